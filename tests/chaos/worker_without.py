"""The real worker without one of its rules: `python -m tests.chaos.worker_without RULE`; for tests only.

With CHAOS_DIE_BEFORE=table the process dies (SIGKILL) right before it writes to that table ("derive": before it
derives a period; "after TABLE": right after it wrote there from other rows; PLACES has others), as soon as the file
CHAOS_DIE_WHEN exists. RULE may be `nothing`: then all rules hold.
"""

import os
import signal
import sys
import time
from array import array
from collections import deque
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from stream_jobs.deduplication.window import Chunk, Window
from stream_jobs.rollups import cascade as derivations
from stream_jobs.rollups.row_store import RowStore
from stream_jobs.worker import app, cascade, flush, guard
from stream_jobs.worker import requests as requests_of_jobs
from stream_jobs.worker.batch import Batch
from stream_jobs.worker.flush import Flusher
from stream_jobs.worker.partition import Partition, Progress
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.resume import LogInspector, Resume, resume_positions
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.take import TakeProcessor
from tests.chaos.clock import Clock, send_by
from tests.chaos.control_rules import CONTROL_RULES
from tests.chaos.replacing import replace

EPOCH_BITS = 48


def without_offset_check() -> None:
    """Whatever the log gives is added, also what a row already holds (rules E1, E3)."""

    checked = RowStore.add_checked

    def add_all(self: RowStore, lines: pl.DataFrame) -> Any:
        self._rows(lines["pair"].to_numpy(), lines)  # every row has its place before offsets are set aside
        known = self._offsets.copy()
        self._offsets[:] = -1
        rows = checked(self, lines)
        np.maximum(self._offsets, known, out=self._offsets)
        return rows

    replace(RowStore, "add_checked", add_all)


def without_raised_horizon() -> None:
    """Rows that are loaded do not tell how far the log was applied to them (rule E2)."""
    replace(TakeProcessor, "_raise_horizons", staticmethod(lambda _partitions, _stored: None))


def with_masked_epoch() -> None:
    """The horizon is taken from the greatest version, its epoch cut off (rule E1)."""

    def raised(partitions: dict[int, Partition], stored: pl.DataFrame) -> None:
        version = pl.col("epoch").cast(pl.Int64) * (1 << EPOCH_BITS) + pl.col("offset")
        for number, highest in stored.group_by("src_partition").agg(version.max()).iter_rows():
            partition = partitions[number]
            partition.horizon = max(partition.horizon, highest % (1 << EPOCH_BITS))

    replace(TakeProcessor, "_raise_horizons", staticmethod(raised))


def with_plain_seen_set() -> None:
    """Copies are looked for among the ids seen last, which a copy refreshes and a restart forgets (rule E15)."""

    def sift(
        self: Window, keys: Sequence[bytes], times_ms: Sequence[int], append_ms: int, _copies: Collection[int]
    ) -> list[int]:
        kept, chunk = list[int](), Chunk(self.accepted, [], array("q"), append_ms)
        for position, key in enumerate(keys):
            known = self._numbers.pop(key, None) is not None
            self._numbers[key] = self.accepted
            if not known:
                kept.append(position)
                chunk.keys.append(key)
                chunk.times_ms.append(times_ms[position])
                self.accepted += 1
        while len(self._numbers) > self.size:
            del self._numbers[next(iter(self._numbers))]
        self._chunks = deque([chunk])
        return kept

    def refilled(size: int, accepted: int, *_contents: object) -> Window:
        return Window(size, accepted)

    async def nothing_stored(*_asked: object) -> set[int]:
        return set()

    replace(Window, "sift", sift)
    replace(Window, "evict", lambda _self: None)
    replace(Window, "refilled", refilled)
    replace(TakeProcessor, "_stored_copies", nothing_stored)


def with_ack_before_insert() -> None:
    """Progress is written and the log acknowledged before rows are durable (rule E9)."""
    in_order = Flusher._flush

    async def hasty(
        self: Flusher, state: WorkerState, batch: Batch, frames: Any, progress: dict[int, dict[str, Any]]
    ) -> None:
        self._sink.insert("partition_progress", self._progress_frame(state, progress))
        for event in batch.events:
            await self._acknowledge(event)
        await in_order(self, state, batch, frames, progress)

    replace(Flusher, "_flush", hasty)


def with_touched_in_memory() -> None:
    """Which periods must be derived is only known to the process (rule E9)."""

    replace(Flusher, "_insert_marks", lambda _self, _marks: None)


def with_version_of_rows_read() -> None:
    """A derived row is as new as the newest row it was read from (rule E5)."""
    derive = derivations.derive

    def derived(*asked: Any) -> str:
        return derive(*asked).replace(", due_offset, due_epoch FROM", ", max(source.offset), due_epoch FROM")

    replace(cascade, "derive", derived)


def with_kafkas_commit() -> None:
    """Where to go on is what Kafka's commit says, not the warehouse's progress (rule E8)."""

    def positions(
        settings: WorkerSettings, sink: Sink, inspector: LogInspector, generation: int, partitions: list[int]
    ) -> Resume:
        resume = resume_positions(settings, sink, inspector, generation, partitions)
        admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
        places = [TopicPartition(settings.events_topic, number) for number in partitions]
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(settings.consumer_group, places)])
        for place in asked[settings.consumer_group].result(20).topic_partitions:
            if place.offset > 0:
                known = resume.progress[place.partition]
                counts = (known.seen, known.accepted, known.duplicates, known.rejected, known.misrouted)
                resume.progress[place.partition] = Progress(place.offset - 1, known.applied_ms, known.topic_id, *counts)
        return resume

    replace(app, "resume_positions", positions)
    for asker in (flush, guard):
        replace(asker, "check_not_set_back", lambda *_: None)


RULES: dict[str, Callable[[], None]] = {
    "nothing": lambda: None,
    "offset-check": without_offset_check,
    "raised-horizon": without_raised_horizon,
    "split-epoch": with_masked_epoch,
    "numbered-window": with_plain_seen_set,
    "insert-before-ack": with_ack_before_insert,
    "stored-touched-periods": with_touched_in_memory,
    "version-of-the-flush": with_version_of_rows_read,
    "resume-from-progress": with_kafkas_commit,
    **CONTROL_RULES,
}
"""What can be switched off, by the name of what then is missing."""


def die() -> None:
    """SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_third_slice(when: Path) -> None:
    """Makes the process do slices one by one, and die once it has done two and begins another, if the file exists."""
    begun_as, finish = Repairs.begun_as, Repairs.finish
    done: list[object] = []

    def begun(self: Repairs, *asked: Any) -> Any:
        if len(done) == 2 and when.exists():
            die()
        return begun_as(self, *asked)

    def finished(self: Repairs, requests: Any, *asked: Any) -> None:
        finish(self, requests, *asked)
        done.append(requests)

    replace(requests_of_jobs, "MOST_SLICES", 1)
    replace(Repairs, "begun_as", begun)
    replace(Repairs, "finish", finished)


def die_at_progress_in_a_slice(when: Path) -> None:
    """Makes the process stay in the slice that it begins once the file exists, and die before it writes progress."""
    begun_as, insert = Repairs.begun_as, Sink.insert
    begun: list[object] = []

    def stays(self: Repairs, *asked: Any) -> Any:
        work = begun_as(self, *asked)
        while when.exists():
            begun.append(work)
            time.sleep(1)
        return work

    def dies(self: Sink, into: str, frame: pl.DataFrame, *check: Callable[[], None]) -> None:
        if into == "partition_progress" and begun:
            die()
        insert(self, into, frame, *check)

    replace(Repairs, "begun_as", stays)
    replace(Sink, "insert", dies)


def die_on_request(table: str, when: Path) -> None:
    """Makes the process die before it writes to this table, once the file exists."""
    insert, derive = Sink.insert, Sink.derive

    def dies(what: str) -> None:
        if what == table and when.exists():
            die()

    def dying_insert(self: Sink, into: str, frame: pl.DataFrame, *check: Callable[[], None]) -> None:
        dies(into)
        insert(self, into, frame, *check)

    def dying_derive(self: Sink, sql: str) -> None:
        table = sql.split()[2]  # INSERT INTO table
        dies("derive")
        dies(table)
        derive(self, sql)
        dies(f"after {table}")

    replace(Sink, "insert", dying_insert)
    replace(Sink, "derive", dying_derive)


PLACES: dict[str, Callable[[Path], None]] = {
    "third slice": die_in_third_slice,
    "progress in a slice": die_at_progress_in_a_slice,
}
"""Where it may die besides."""


def main() -> None:
    """Switches the rule off and runs the worker."""
    send_by(Clock.of_environment())
    RULES[sys.argv[1]]()
    if table := os.environ.get("CHAOS_DIE_BEFORE"):
        when = Path(os.environ["CHAOS_DIE_WHEN"])
        PLACES.get(table, partial(die_on_request, table))(when)
    app.run()


if __name__ == "__main__":
    main()
