"""Sends what the packer packs: parts of requests in, futures of acknowledged envelopes out."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import polars as pl
import structlog

from producers.collector.event_log import EventLog, Outcome, Record
from producers.collector.intake import Part
from producers.collector.metrics import CollectorMetrics
from producers.collector.packer import Envelope, Packer, Slot
from producers.envelopes.envelope import encode_envelope
from producers.errors import KafkaUnavailable
from tokentally.envelope import ARROW_STREAM, MAX_EVENTS, MAX_WIRE_BYTES

log = structlog.get_logger()

Acknowledged = asyncio.Future[Outcome]

_MAX_BYTES = MAX_WIRE_BYTES - 50_000
"""Before compression, so that no content can exceed the limit; the rest is for the Arrow headers."""
_FEW_EVENTS = 100
"""Up to here encoding is quicker than handing it to a thread."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A part of a request and where its rows went."""

    part: Part
    slots: Sequence[Slot[Acknowledged]]


class Dispatcher:
    """Runs in one event loop. A frame that was handed over belongs to the dispatcher."""

    def __init__(
        self, event_log: EventLog, topic: str, linger_seconds: float, pool: Executor, metrics: CollectorMetrics
    ) -> None:
        self._log = event_log
        self._topic = topic
        self._linger_seconds = linger_seconds
        self._pool = pool
        self._metrics = metrics
        self._packer: Packer[Acknowledged] = Packer(MAX_EVENTS, _MAX_BYTES, self._new_outcome)
        self._sending: set[asyncio.Task[None]] = set()

    def submit(self, part: Part) -> Placed:
        """Packs the part. The outcome of each slot's envelope is done once Kafka has acknowledged it, or will not."""
        packed = self._packer.put(part)
        for envelope in packed.closed:
            self._send(envelope)
        if packed.opened is not None:
            asyncio.get_running_loop().call_later(self._linger_seconds, self._waited, packed.opened)
        return Placed(part, packed.slots)

    async def drain(self) -> None:
        """Sends what still waits, and returns when everything has an outcome."""
        for envelope in self._packer.close_all():
            self._send(envelope)
        while self._sending:
            await asyncio.wait(self._sending)

    def _waited(self, envelope: Envelope[Acknowledged]) -> None:
        if self._packer.close(envelope):
            self._send(envelope)

    def _send(self, envelope: Envelope[Acknowledged]) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(envelope))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, envelope: Envelope[Acknowledged]) -> None:
        try:
            outcome = await self._appended(envelope)
        except Exception as problem:
            log.exception("an envelope could not be sent", partition=envelope.partition, events=envelope.events)
            outcome = KafkaUnavailable(f"the envelope could not be sent: {type(problem).__name__}")
        self._metrics.envelopes.labels("failed" if isinstance(outcome, KafkaUnavailable) else "acknowledged").inc()
        envelope.outcome.set_result(outcome)

    async def _appended(self, envelope: Envelope[Acknowledged]) -> Outcome:
        loop = asyncio.get_running_loop()
        frames, envelope.frames = envelope.frames, []
        if envelope.events <= _FEW_EVENTS:
            key, value = _encoded(frames)
        else:
            key, value = await loop.run_in_executor(self._pool, partial(_encoded, frames))
        self._metrics.envelope_events.observe(envelope.events)
        self._metrics.envelope_bytes.inc(len(value))
        handed_over = loop.time()
        outcome = await self._log.append(Record(self._topic, value, envelope.partition, key, ARROW_STREAM))
        self._metrics.ack_seconds.observe(loop.time() - handed_over)
        return outcome

    @staticmethod
    def _new_outcome() -> Acknowledged:
        return asyncio.get_running_loop().create_future()


def _encoded(frames: Sequence[pl.DataFrame]) -> tuple[bytes | None, bytes]:
    """Key and value of an envelope: the key is the organization when all events have the same."""
    frame = pl.concat(frames) if len(frames) > 1 else frames[0]
    names = frame["organization"].unique().to_list()
    return (names[0].encode() if len(names) == 1 else None), encode_envelope(frame)
