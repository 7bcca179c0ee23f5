"""Takes one request's events: a body and a key in, the answer out when Kafka has acknowledged."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from producers.collector.answer import Places, answer
from producers.collector.bodies import events_in, unpacked
from producers.collector.dispatcher import Dispatcher
from producers.collector.event_log import EventLog, Position, Record
from producers.collector.intake import Intake, names_in, take_in
from producers.collector.metrics import CollectorMetrics
from producers.collector.refusals import Response
from producers.collector.room import Share
from producers.collector.settings import CollectorSettings
from producers.envelopes.decoded import Rejected
from producers.errors import KafkaUnavailable
from producers.keys.api_key import ApiKey
from producers.rejections.rejection import Rejection
from tokentally import uuid7

_SMALL_BODY_BYTES = 16_384
"""Up to here validating is quicker than handing it to a thread."""


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body as it was sent."""

    content: bytes
    content_type: str
    content_encoding: str


class EventService:
    """Runs in one event loop; large bodies are worked on in `pool`."""

    def __init__(
        self, settings: CollectorSettings, event_log: EventLog, pool: Executor, metrics: CollectorMetrics
    ) -> None:
        self._settings = settings
        self._log = event_log
        self._pool = pool
        self._metrics = metrics
        self._dispatcher = Dispatcher(
            event_log, settings.events_topic, settings.collector_linger_ms / 1000, pool, metrics
        )

    def require_kafka(self) -> None:
        """Raises KafkaUnavailable when taking events in would be in vain."""
        reason = self._log.unavailable()
        if reason is not None:
            raise KafkaUnavailable(f"{reason}; send the same again later")

    async def receive(self, body: Body, key: ApiKey, share: Share, *, summary: bool) -> Response:
        """Validates, stores and answers.

        Raises Unreadable, TooLarge, Busy or KafkaUnavailable, and then nothing is stored.
        """
        self._metrics.body_bytes.inc(len(body.content))
        work = partial(_work, body, key, self._settings)
        if len(body.content) <= _SMALL_BODY_BYTES and not body.content_encoding:
            size, intake = work()
        else:
            size, intake = await asyncio.get_running_loop().run_in_executor(self._pool, work)
        share.grow(size)
        self.require_kafka()
        places, rejections_kept = await self._store(intake, key)
        self._metrics.events.inc(places.stored)
        for rejected in intake.rejected:
            self._metrics.rejected.labels(rejected.kind).inc()
        return answer(intake, places, rejections_kept=rejections_kept, summary=summary)

    async def drain(self) -> None:
        """Returns when nothing is under way any more."""
        await self._dispatcher.drain()

    async def _store(self, intake: Intake, key: ApiKey) -> tuple[Places, bool]:
        placed = [self._dispatcher.submit(part) for part in intake.parts]
        kept = [self._log.append(self._rejection(rejected, key)) for rejected in intake.rejected]
        outcomes = {slot.envelope.outcome for place in placed for slot in place.slots}
        if outcomes or kept:
            await asyncio.wait([*outcomes, *kept])
        rejections_kept = all(isinstance(each.result(), Position) for each in kept)
        return Places.of(len(intake.index), placed), rejections_kept

    def _rejection(self, rejected: Rejected, key: ApiKey) -> Record:
        event_id, organization = names_in(rejected.raw)
        rejection = Rejection.of_collector(
            str(uuid7()),
            time.time_ns() // 1_000_000,
            rejected.reason,
            rejected.raw,
            organization=key.organization or organization,
            event_id=event_id,
            api_key_id=key.id,
        )
        return Record(self._settings.rejected_topic, rejection.encoded(), content_type="application/json")


def _work(body: Body, key: ApiKey, settings: CollectorSettings) -> tuple[int, Intake]:
    """Unpacked bytes beyond those of the body itself, and its events."""
    content = unpacked(body.content, body.content_encoding, settings.collector_max_body_bytes)
    texts: Sequence[bytes] = events_in(content, body.content_type, settings.collector_max_events)
    extra = len(content) if content is not body.content else 0
    return extra, take_in(texts, key, settings.partitions, datetime.now(UTC))
