"""One usage event as its sender knows it, with the envelope that carries it."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import zstandard

from producers.envelopes.envelope import encode_envelope
from producers.envelopes.rows import frame_of
from tokentally import UsageEvent
from tokentally.envelope import ARROW_STREAM, NDJSON
from tokentally.identity import event_uuid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONTENT_TYPES = {"ndjson": NDJSON, "gzip": NDJSON, "zstd": NDJSON, "arrow": ARROW_STREAM, "garbage": NDJSON}
Identity = tuple[str, str, int]
"""Organisation, id as stored, time (Unix ms)."""


@dataclass(frozen=True)
class Event:
    """An event; `fields` are those that are sent beside id, time and organisation."""

    organization: str
    key: str
    time_ms: int
    fields: Mapping[str, Any]

    @cached_property
    def event_id(self) -> str:
        """The id under which it is stored."""
        return str(event_uuid(self.organization, self.key))

    @property
    def identity(self) -> Identity:
        """What makes two events the same one."""
        return (self.organization, self.event_id, self.time_ms)

    @property
    def sent(self) -> dict[str, Any]:
        """The event as JSON."""
        time = (EPOCH + timedelta(milliseconds=self.time_ms)).isoformat(timespec="milliseconds")
        return {"event_id": self.key, "time": time, "organization": self.organization, **self.fields}

    def text(self, name: str) -> str:
        """A field of text, "" when absent."""
        default = {"billing_type": "SYSTEM", "status": "success"}.get(name, "")
        return str(self.fields.get(name, default))

    def number(self, name: str) -> int:
        """A count, 0 when absent."""
        return int(self.fields.get(name, 0))


@dataclass(frozen=True, slots=True)
class Posted:
    """One envelope: where it goes, its events and, before them, lines that are no events."""

    partition: int
    events: tuple[Event, ...]
    form: str = "ndjson"
    bad_lines: tuple[bytes, ...] = ()

    @property
    def headers(self) -> dict[str, bytes]:
        """Headers of the message."""
        return {"content-type": CONTENT_TYPES[self.form].encode()}

    @property
    def value(self) -> bytes:
        """The bytes of the message."""
        if self.form == "garbage":
            return b"\x1f\x8b no gzip"
        if self.form == "arrow":
            return encode_envelope(frame_of([UsageEvent.model_validate(event.sent) for event in self.events]))
        lines = b"\n".join((*self.bad_lines, *(json.dumps(event.sent).encode() for event in self.events)))
        if self.form == "gzip":
            return gzip.compress(lines, 1)
        return zstandard.compress(lines) if self.form == "zstd" else lines

    @property
    def readable(self) -> list[tuple[int, Event]]:
        """Events by their position in the envelope."""
        return [] if self.form == "garbage" else list(enumerate(self.events, len(self.bad_lines)))

    @property
    def refused(self) -> int:
        """Refusals that reading it gives."""
        return 1 if self.form == "garbage" else len(self.bad_lines)
