"""Decides how much of the log is worked on at once: all that came, or with care where processes died before (E29).

Where nothing died this costs one small write per take and partition. Where the marks tell of deaths, envelopes are
tried in a child process, worked on in small parts that double while all goes well, and stored before the next part.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import structlog
from confluent_kafka import KafkaException

from producers.envelopes.rows import row_as_sent
from stream_jobs.errors import SetApart, StreamJobError
from stream_jobs.rollups.limits import SumTooLarge
from stream_jobs.worker.batch import raw_rows
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.metrics import Metrics
from stream_jobs.worker.partition import Partition
from stream_jobs.worker.poison import quarantine
from stream_jobs.worker.poison.attempts import Attempts, Phase
from stream_jobs.worker.poison.culprits import Inconclusive, Search, Tryer
from stream_jobs.worker.poison.inserts import is_of_value, refused_rows
from stream_jobs.worker.poison.job_attempts import JobAttempts
from stream_jobs.worker.poison.quarantine import WHOLE, Held
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.take import Envelope, Taken
from warehouse.errors import WarehouseError, WarehouseRefused
from warehouse.literals import masked

log = structlog.get_logger()
Event = Any
CARE = "envelopes that are tried one by one"
"""What the worker says it waits for while it works with care."""


@dataclass(slots=True)
class Suspect:
    """A partition that is worked on with care. until: the last suspicious offset; size: envelopes of the next part."""

    until: int
    by_event: bool
    hopeless: bool
    size: int = 1


@dataclass(slots=True)
class Caution:
    """Between what Kafka delivered and the takes. `drain` stores and acknowledges everything taken so far."""

    attempts: Attempts
    job_attempts: JobAttempts
    sink: Sink
    beat: Beat
    metrics: Metrics
    child: Callable[[], Tryer]
    src_partition: Callable[[int], int]
    envelope: Callable[[Event], Envelope]
    drain: Callable[[WorkerState], Awaitable[None]]
    suspects: dict[int, Suspect] = field(default_factory=dict)
    _child: Tryer | None = None
    _alone: Envelope | None = None
    """The single envelope that is being worked on event by event, or the control record."""

    def resume(self, partitions: Mapping[int, Partition]) -> None:
        """Reads what is set apart of partitions that were just loaded, and how their former owners ended. Blocking."""
        applied = {number: partition.applied for number, partition in partitions.items()}
        for number, apart in quarantine.load(self.sink, applied).items():
            partitions[number].quarantine = apart
            mark = self.attempts.resumed(number, applied[number] + 1)
            self.suspects.pop(number, None)
            if mark.careful:
                self.suspects[number] = Suspect(mark.suspect_until, mark.by_event, mark.hopeless)
                self.beat.wait(
                    CARE, f"partition {number}, offset {mark.position}: processes ended here again and again"
                )
                log.warning(
                    "working with care: processes died here",
                    partition=number,
                    offset=mark.position,
                    until=mark.suspect_until,
                    deaths=mark.deaths,
                )

    async def parts(self, state: WorkerState, events: list[Event]) -> AsyncIterator[list[Event]]:
        """The events in parts to be taken one after the other; ordinarily one part."""
        if not self.suspects:
            self._begin(state, events)
            yield events
            return
        for gone in self.suspects.keys() - state.partitions.keys():
            self._trust(gone)
        places = [self.src_partition(event.message.partition) for event in events]
        healthy = [event for event, number in zip(events, places, strict=True) if number not in self.suspects]
        if healthy:
            self._begin(state, healthy)
            yield healthy
        for number in sorted(set(places) & self.suspects.keys()):
            mine = [event for event, place in zip(events, places, strict=True) if place == number]
            async for part in self._carefully(state, state.partitions[number], mine):
                yield part

    async def check(self, state: WorkerState, taken: Taken) -> None:
        """Called after each take, before it is stored. Raises SetApart when its rows had to be quarantined."""
        if self._alone is None:
            return
        partition = state.partitions[self._alone.src_partition]
        self.attempts.begin(partition.number, partition.applied + 1, partition.applied + 1, Phase.STORING)
        await self._beside(partition, self._alone, taken)
        if taken.raw is None:
            return
        rows = raw_rows(taken.raw)
        guilty = await asyncio.to_thread(refused_rows, lambda part: self.sink.insert("usage_raw", part), rows)
        if guilty:
            reasons = {number: f"the warehouse refuses it: {masked(reason)[:300]}" for number, reason in guilty}
            raise await self._without(state, taken.raw, reasons)
        taken.raw = None  # stored above, in parts that the warehouse takes
        for chunk in taken.chunks:
            chunk.durable = True

    async def _beside(self, partition: Partition, envelope: Envelope, taken: Taken) -> None:
        """Stores what a control record leaves in other tables, which a flush repeats. Raises SetApart.

        Of an envelope that met awaited events nothing is set apart for them: they were taken when they were awaited.
        """
        if not envelope.is_control:
            return
        for table, rows in taken.written:
            try:
                await asyncio.to_thread(self.sink.insert, table, rows)
            except WarehouseRefused as refused:
                if not is_of_value(refused):
                    raise
                reason = f"quarantined: the warehouse refuses what it says: {masked(str(refused))[:300]}"
                await self._set_apart(partition, envelope.offset, {WHOLE: Held(reason, envelope.value)})
                raise SetApart(f"partition {partition.number}: offset {envelope.offset} is in quarantine") from refused

    async def too_large(self, state: WorkerState, refused: SumTooLarge) -> SetApart:
        """Sets apart what would have made a sum too large; the answer is to be raised."""
        return await self._without(state, refused.events, dict.fromkeys(range(refused.events.height), str(refused)))

    def blameless(self, failure: BaseException) -> None:
        """Called when the process is about to leave: a failure that is not of the data's making is no death."""
        outside = StreamJobError | WarehouseError | KafkaException
        if isinstance(failure, outside) and not isinstance(failure, WarehouseRefused):
            self.attempts.rest()

    async def _without(self, state: WorkerState, events: pl.DataFrame, reasons: Mapping[int, str]) -> SetApart:
        by_place: dict[tuple[int, int], dict[int, Held]] = {}
        for number, reason in reasons.items():
            row = events.row(number, named=True)
            held = by_place.setdefault((row["src_partition"], row["src_offset"]), {})
            held[row["src_index"]] = Held(f"quarantined: {reason}", row_as_sent(row))
        for (number, offset), rows in by_place.items():
            await self._set_apart(state.partitions[number], offset, rows)
        where = ", ".join(map(str, sorted({number for number, _ in by_place})))
        return SetApart(f"partition {where}: {len(reasons)} events are in quarantine; going on without")

    def _begin(self, state: WorkerState, events: Sequence[Event]) -> None:
        last = {event.message.partition: event.message.offset for event in events}
        for kafka_partition, offset in last.items():
            number = self.src_partition(kafka_partition)
            self.attempts.begin(number, state.partitions[number].applied + 1, offset)

    async def _carefully(
        self, state: WorkerState, partition: Partition, events: list[Event]
    ) -> AsyncIterator[list[Event]]:
        await self.drain(state)  # what came before is not to be blamed
        done = 0
        while done < len(events) and partition.number in self.suspects:
            suspect = self.suspects[partition.number]
            part = events[done : done + suspect.size]
            for event in part:
                await self._examine(partition, suspect, self.envelope(event))
            self._begin(state, part)
            first = self.envelope(part[0])
            self._alone = first if suspect.by_event or first.is_control else None
            yield part
            self._alone = None
            await self.drain(state)
            done += len(part)
            suspect.size *= 2
            suspect.by_event = suspect.hopeless = False
            if partition.applied >= suspect.until:
                self._trust(partition.number)
        if done < len(events):
            self._begin(state, events[done:])
            yield events[done:]

    def _trust(self, number: int) -> None:
        log.info("no further care", partition=number)
        del self.suspects[number]
        if not self.suspects:
            self._relax()

    def _relax(self) -> None:
        self.beat.waits.end(CARE)
        if self._child is not None:
            self._child.close()
            self._child = None

    async def _examine(self, partition: Partition, suspect: Suspect, envelope: Envelope) -> None:
        """Tries an envelope elsewhere and sets apart what ends the process there."""
        if suspect.hopeless:
            reason = "quarantined: processes that worked on the envelope ended again and again, and no event alone"
            await self._set_apart(partition, envelope.offset, {WHOLE: Held(reason, envelope.value)})
            suspect.hopeless = False
        if self._child is None:
            self._child = self.child()
        search = Search(self._child, self.beat.move)
        held = partition.quarantine.envelopes.get(envelope.offset, {})
        try:
            guilty = await asyncio.to_thread(search.culprits, envelope, held)
        except (Inconclusive, OSError) as trouble:
            log.warning("an envelope could not be tried", offset=envelope.offset, reason=str(trouble))
            return
        if guilty:
            await self._set_apart(partition, envelope.offset, guilty)

    async def _set_apart(self, partition: Partition, offset: int, held: dict[int, Held]) -> None:
        """Written first, skipped afterwards."""
        await asyncio.to_thread(quarantine.write, self.sink, partition.number, offset, held)
        partition.quarantine.hold(offset, held)
        self.job_attempts.forget()  # processes died of this
        self.metrics.quarantined.inc(len(held))
        for index, row in held.items():
            log.error("quarantined", partition=partition.number, offset=offset, index=index, reason=row.reason)
