"""What a simulation sends: events in a few words, as envelopes of both formats in the log of two partitions."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from producers.control.record import CONTROL, HEADER_KIND, HEADER_SIGNATURE, ControlRecord, signature
from producers.envelopes import arrow
from producers.envelopes.rows import frame_of
from producers.timeliness.rules import TimeRules
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.worker.books import Books
from stream_jobs.worker.routing import Routing
from stream_jobs.worker.take import Rules
from tokentally import UsageEvent
from tokentally.envelope import ARROW_STREAM, NDJSON

BEGIN = datetime(2026, 3, 28, 12, tzinfo=UTC)
"""The day before Paris changes its clocks."""
PARTITIONS = {"acme": 0, "zen": 1, "fox": 1}
DEFAULT_ZONE = "Europe/Paris"
REGISTERED = {"zen": ("Asia/Kathmandu", 7)}
INPUT_NANO_USD, OUTPUT_NANO_USD = 2000, 8000
"""What a token costs."""
CONTROL_KEY = b"the key of the simulation"
BAD_LINES = (b'{"event_id": "x", "organization": "acme"}', b"no json", b'{"event_id": 7}')
HEADERS = {"ndjson": NDJSON, "gzip": NDJSON, "arrow": ARROW_STREAM, "garbage": NDJSON}


@dataclass(frozen=True)
class Sent:
    """One event; its id and time are its identity."""

    number: int
    time: datetime = BEGIN
    organization: str = "acme"
    user: str = "u1"
    thread: str = ""
    prompt: str = ""
    category: str = ""
    model: str = "large"
    input_tokens: int = 1
    output_tokens: int = 0
    status: str = "success"
    billing: str = "SYSTEM"
    duration_ms: int | None = None
    rating: int | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """The event as its sender writes it."""
        told = {
            "event_id": f"event {self.number}",
            "time": self.time.isoformat(),
            "organization": self.organization,
            "user_id": self.user,
            "thread_id": self.thread,
            "prompt_id": self.prompt,
            "category": self.category,
            "provider": "maker",
            "model": self.model,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "status": self.status,
            "billing_type": self.billing,
            "duration_ms": self.duration_ms,
            "rating": self.rating,
        }
        return {name: value for name, value in told.items() if value not in ("", None)}


@dataclass(frozen=True)
class Posted:
    """One envelope: its events and, in lines, what is no event; the log's clock moves on by `after`."""

    events: tuple[Sent, ...]
    partition: int = 0
    form: str = "ndjson"
    bad_lines: tuple[bytes, ...] = ()
    after: timedelta = timedelta(seconds=1)

    @property
    def kept(self) -> tuple[Sent, ...]:
        """The events that can be read."""
        return () if self.form == "garbage" else self.events

    @property
    def refused(self) -> int:
        """How many refusals reading it gives."""
        return {"garbage": 1, "arrow": 0}.get(self.form, len(self.bad_lines))

    @property
    def value(self) -> bytes:
        """The bytes of the message."""
        return _value(self.events, self.form, self.bad_lines)


@lru_cache(maxsize=4096)
def _value(events: tuple[Sent, ...], form: str, bad_lines: tuple[bytes, ...]) -> bytes:
    if form == "garbage":
        return b"\x1f\x8b no gzip"
    if form == "arrow":
        return arrow.encode(frame_of([UsageEvent.model_validate(event.fields) for event in events]))
    lines = b"\n".join((*bad_lines, *(json.dumps(event.fields).encode() for event in events)))
    return gzip.compress(lines, mtime=0) if form == "gzip" else lines


@dataclass(frozen=True)
class Told:
    """A control record; signed is False for one that anybody could have sent."""

    kind: str
    body: dict[str, Any]
    organization: str = "acme"
    partition: int = 0
    number: int = 0
    signed: bool = True
    after: timedelta = timedelta(seconds=1)

    @property
    def control_id(self) -> str:
        """The identity of the request."""
        return str(UUID(int=1000 + self.number))

    @property
    def value(self) -> bytes:
        """The bytes of the message."""
        record = ControlRecord(self.control_id, self.kind, self.organization, self.body, "ada", "a test", BEGIN)
        return record.value(self.partition)

    @property
    def headers(self) -> dict[str, bytes]:
        """What makes the message a control record."""
        key = CONTROL_KEY if self.signed else b"somebody else's key"
        return {HEADER_KIND: CONTROL, HEADER_SIGNATURE: signature(self.value, key)}


@dataclass(slots=True)
class Message:
    """One record as Faust hands it over."""

    partition: int
    offset: int
    timestamp: float
    headers: dict[str, bytes]
    value: bytes
    generation_id: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """A Faust event."""

    message: Message


@dataclass(slots=True)
class Log:
    """The topic: envelopes of both partitions in the order in which they came."""

    posted: Sequence[Posted | Told]
    first: datetime = BEGIN
    messages: list[Message] = field(init=False)

    def __post_init__(self) -> None:
        self.messages, ends, clock = [], dict.fromkeys(PARTITIONS.values(), 0), self.first
        for envelope in self.posted:
            clock += envelope.after
            headers = (
                envelope.headers if isinstance(envelope, Told) else {"content-type": HEADERS[envelope.form].encode()}
            )
            offset, ends[envelope.partition] = ends[envelope.partition], ends[envelope.partition] + 1
            place = (envelope.partition, offset, clock.timestamp())
            self.messages.append(Message(*place, headers, envelope.value))

    def end(self, partition: int) -> int:
        """The offset of the partition's next record."""
        return sum(message.partition == partition for message in self.messages)


def rules(times: TimeRules | None = None) -> Rules:
    """One model with a price; every request costs one credit."""
    prices = {"input_mtok": INPUT_NANO_USD, "output_mtok": OUTPUT_NANO_USD}
    rows = [
        PriceRow("maker", "large", "Large", "", unit, Decimal(nano_usd) / 1000, 1_000_000, position, "test")
        for position, (unit, nano_usd) in enumerate(prices.items())
    ]
    routing = Routing(max(PARTITIONS.values()) + 1, overrides=PARTITIONS)
    return Rules(
        routing,
        times or TimeRules(),
        Books.of(PriceBook.from_rows(rows, revision=1), MultiplierTable.from_rows([], revision=1)),
    )


def one_row(events: int, an_envelope: int = 1) -> Log:
    """A log of events that all belong to one row."""
    numbers = range(0, events, an_envelope)
    return Log([Posted(tuple(Sent(first + n) for n in range(an_envelope)), after=timedelta(0)) for first in numbers])
