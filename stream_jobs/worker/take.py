"""One take: envelopes in; accepted priced rows, touched rows, touched periods and refusals out.

The steps are pure functions of the partition's state and the envelopes; only loads and lookups wait for the warehouse.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl

from producers.envelopes.envelope import checked
from producers.envelopes.rows import row_as_sent
from producers.rejections.rejection import Rejection
from producers.timeliness.rules import TimeRules
from stream_jobs.control.repriced import excess, repriced
from stream_jobs.corrections.awaited import awaited_rows, born
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.deduplication.window import Chunk
from stream_jobs.keys.slots import Numbers
from stream_jobs.rollups.groups import grouped
from stream_jobs.rollups.limits import SumTooLarge
from stream_jobs.rollups.measures import bucket, with_measures
from stream_jobs.worker import statements
from stream_jobs.worker.books import FIRST, Books
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.needed_rows import NeededRows
from stream_jobs.worker.partition import Partition
from stream_jobs.worker.routing import Forwarded, Routing
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import Pending, PeriodKey, WorkerState


@dataclass(frozen=True, slots=True)
class Envelope:
    """One Kafka message: its position, append time (Unix ms), content type and bytes."""

    src_partition: int
    offset: int
    append_ms: int
    content_type: str | None
    value: bytes
    is_control: bool = False
    signature: bytes | None = None
    """Of a control record."""
    content: bytes | None = None
    """Of a record that puts a revision in force: all of the revision."""


@dataclass(slots=True)
class Taken:
    """What a take leaves to be written: raw rows, the row numbers touched per family, refusals, forwarded events.

    written: rows of other tables that belong to its place in the log; before progress, like the marks.
    """

    raw: pl.DataFrame | None = None
    rows: list[Numbers] = field(default_factory=list)
    periods: dict[PeriodKey, Pending] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    forwarded: list[Forwarded] = field(default_factory=list)
    written: list[tuple[str, pl.DataFrame]] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    """Readable events of each envelope."""
    lookup_rows: int = 0
    lookup_seconds: float = 0.0
    take: int = -1


@dataclass(frozen=True, slots=True)
class Rules:
    """What is in force: times, prices, multipliers and terms."""

    routing: Routing
    times: TimeRules
    books: Books


class TakeProcessor:
    """Runs takes one after the other on the state of one worker."""

    def __init__(
        self,
        sink: Sink,
        directory: Directory,
        rules: Rules,
        tombstones: Tombstones,
        whole_pairs_rows: int = 250_000,
    ) -> None:
        self._sink = sink
        self._tombstones = tombstones
        self._needed = NeededRows(sink, whole_pairs_rows)
        self._directory = directory
        self._rules = rules

    async def process(self, state: WorkerState, envelopes: Sequence[Envelope]) -> Taken:
        """Applies whole envelopes, in log order per partition, all above each partition's next offset."""
        taken = Taken()
        frame = self._decoded(state, envelopes, taken)
        if frame is None:
            return taken
        frame = self._at_home(state, frame, taken)
        frame = self._without_refused(state, self._rules.times.judged(frame), taken)
        frame = self._without_refused(state, self._priced(state, frame), taken)
        frame = await self._first_sights(state, frame, taken)
        if frame.is_empty():
            return taken
        frame = self._born(state, frame, taken)
        frame = await self._placed(frame, envelopes[-1].append_ms)
        taken.raw = frame
        self._touch_periods(frame, taken)
        counted = frame.filter(pl.col("void") == 0) if "void" in frame.columns else frame
        taken.rows = [] if counted.is_empty() else await self._rolled_up(state, counted)
        taken.take = state.pairs.take
        return taken

    def _decoded(self, state: WorkerState, envelopes: Sequence[Envelope], taken: Taken) -> pl.DataFrame | None:
        together = checked(
            [
                state.partitions[envelope.src_partition].quarantine.opened(
                    envelope.offset, envelope.value, envelope.content_type
                )
                for envelope in envelopes
            ]
        )
        for envelope, seen, refused in zip(envelopes, together.events, together.rejected, strict=True):
            counts = state.partitions[envelope.src_partition].counts
            counts.seen += seen
            counts.rejected += len(refused)
            taken.rejections += [
                Rejection.of_worker(
                    envelope.src_partition, envelope.offset, envelope.append_ms, r.index, r.reason, r.raw
                )
                for r in refused
            ]
        taken.heights = together.heights.tolist()
        if together.frame.is_empty():
            return None

        def spread(values: list[int], dtype: type[pl.DataType]) -> pl.Series:
            return pl.Series(np.repeat(np.array(values, np.int64), together.heights)).cast(dtype)

        append = spread([e.append_ms for e in envelopes], pl.Int64)
        positioned: pl.DataFrame = together.frame.rechunk().with_columns(
            spread([e.src_partition for e in envelopes], pl.UInt16).alias("src_partition"),
            spread([e.offset for e in envelopes], pl.Int64).alias("src_offset"),
            pl.Series("src_index", together.index),
            append.cast(pl.Datetime("ms", "UTC")).alias("append_time"),
        )
        return positioned

    def _at_home(self, state: WorkerState, frame: pl.DataFrame, taken: Taken) -> pl.DataFrame:
        """Without events of other partitions, which are sent there: two partitions have no common order (rule E18)."""
        home = self._rules.routing.homes(frame["organization"])
        strangers = frame.filter(pl.col("src_partition") != home)
        if strangers.is_empty():
            return frame
        for number, rows in strangers.group_by("src_partition"):
            state.partitions[number[0]].counts.misrouted += rows.height
        taken.forwarded += self._rules.routing.forwarded(strangers)
        return frame.filter(pl.col("src_partition") == home)

    def _without_refused(self, state: WorkerState, judged: pl.DataFrame, taken: Taken) -> pl.DataFrame:
        """The rows whose `refusal` is empty, without that column; the others are counted and kept as refusals."""
        refused = judged.filter(pl.col("refusal") != "")
        if refused.is_empty():
            return judged.drop("refusal")
        for row in refused.iter_rows(named=True):
            state.partitions[row["src_partition"]].counts.rejected += 1
            taken.rejections.append(_refused_row(row))
        return judged.filter(pl.col("refusal") == "").drop("refusal")

    async def _first_sights(self, state: WorkerState, frame: pl.DataFrame, taken: Taken) -> pl.DataFrame:
        copies = await self._stored_copies(state, frame, taken)
        numbers = frame["src_partition"].to_numpy()
        times = frame["time"].dt.epoch("ms").to_numpy()
        kept: list[Numbers] = []
        for number in np.unique(numbers).tolist():
            partition = state.partitions[number]
            rows = (numbers == number).nonzero()[0]
            part = frame[rows] if len(rows) < len(numbers) else frame
            keys = partition.keys.keys(part["organization"], part["event_id"])
            local = {index for index, row in enumerate(rows.tolist()) if row in copies} if copies else copies
            # The highest append time so far: a broker's clock may be set back.
            append_ms = max(partition.clock_ms, int(part["append_time"].dt.epoch("ms")[0]))
            first = partition.window.sift(keys, times[rows].tolist(), append_ms, local)
            partition.counts.accepted += len(first)
            partition.counts.duplicates += len(rows) - len(first)
            newest = partition.window.newest()
            if first and newest is not None:
                taken.chunks.append(newest)
            kept.append(rows[first] if len(first) < len(rows) else rows)
        total = sum(len(rows) for rows in kept)
        return frame if total == len(numbers) else frame[np.sort(np.concatenate(kept))]

    async def _stored_copies(self, state: WorkerState, frame: pl.DataFrame, taken: Taken) -> set[int]:
        """Rows that have a copy at a lower position in the warehouse, asked for those that memory may not know."""
        limits = {
            number: limit
            for number, partition in state.partitions.items()
            if (limit := partition.window.lookup_until_ms(self._rules.times.future_ms)) is not None
        }
        if not limits:
            return set()
        newest = pl.col("src_partition").replace_strict(limits, default=-(1 << 62), return_dtype=pl.Int64)
        ahead = {time_ms for number in limits for time_ms in state.partitions[number].window.times_ahead}
        time_ms = pl.col("time").dt.epoch("ms")
        old = (
            frame.with_row_index("row")
            .filter((time_ms <= newest) | time_ms.is_in(list(ahead)) if ahead else time_ms <= newest)
            .select("row", "organization", "time", "event_id", "src_partition", "src_offset", "src_index")
        )
        if old.is_empty():
            return set()
        old = self._tombstones.beside(old)
        tables = ["event_id_lookup", *(["tombstones"] if self._tombstones.organizations else [])]
        asked = old.select("organization", "time", "event_id")
        began = time.monotonic()
        stored = await asyncio.to_thread(self._sink.frame, statements.earlier_copies(*tables), asked)
        taken.lookup_rows, taken.lookup_seconds = asked.height, time.monotonic() - began
        if stored.is_empty():
            return set()
        stored = stored.rename({"organization_text": "organization"})
        earlier = _before(
            ("first_partition", "first_offset", "first_index"), ("src_partition", "src_offset", "src_index")
        )
        found = old.join(stored, on=["organization", "time", "event_id"]).filter(earlier)
        return set(found["row"].to_list())

    def _priced(self, state: WorkerState, frame: pl.DataFrame) -> pl.DataFrame:
        """By the revisions that are in force at the events' places in the log (rule E21)."""
        numbers = frame["src_partition"].unique().to_list()
        in_force: dict[tuple[int, int], list[int]] = {}
        for number in numbers:
            partition = state.partitions[number]
            in_force.setdefault((partition.prices, partition.multipliers), []).append(number)
        if len(in_force) <= 1:
            return self._priced_under(frame, *next(iter(in_force), (FIRST, FIRST)))
        numbered = frame.with_row_index("row")
        parts = [
            self._priced_under(numbered.filter(pl.col("src_partition").is_in(mine)), *revisions)
            for revisions, mine in in_force.items()
        ]
        return pl.concat(parts).sort("row").drop("row")

    def _priced_under(self, frame: pl.DataFrame, prices: int, multipliers: int) -> pl.DataFrame:
        priced = repriced(frame, *self._rules.books.needed(prices, multipliers))
        return priced.with_columns(excess(priced).alias("refusal"))

    def _born(self, state: WorkerState, frame: pl.DataFrame, taken: Taken) -> pl.DataFrame:
        """First sights with what control records said of them before they came (rule E23)."""
        awaited = {number: p.awaited for number, p in state.partitions.items() if len(p.awaited)}
        if not awaited:
            return frame
        frame, met = born(frame, awaited, lambda rows: self._priced(state, rows))
        if met:
            taken.written.append(
                ("awaited_events", awaited_rows((m.src_partition, m.identity, m.awaited, m.offset) for m in met))
            )
            for each in met:
                awaited[each.src_partition].drop(each.identity)
        return frame

    async def _placed(self, frame: pl.DataFrame, seen_ms: int) -> pl.DataFrame:
        """Adds bucket, and hour, day and week of the organisation's calendar."""
        frame = frame.with_columns(bucket())
        pairs = frame.select("organization", "bucket").unique()
        unknown = self._directory.unknown(pairs["organization"].unique().to_list())
        if unknown:
            await asyncio.to_thread(self._directory.learn, unknown, seen_ms)
        places = [self._directory.place(name, start) for name, start in pairs.iter_rows()]
        located = pairs.with_columns(
            pl.Series("hour", [place.hour for place in places], pl.UInt32),
            pl.Series("day", [place.day for place in places], pl.Date),
            pl.Series("week", [place.week for place in places], pl.Date),
        )
        return frame.join(located, on=["organization", "bucket"], how="left", maintain_order="left")

    def _touch_periods(self, frame: pl.DataFrame, taken: Taken) -> None:
        touched = frame.select("src_partition", "organization", "day", "week").unique()
        for partition, organization, day, week in touched.iter_rows():
            calendar = self._directory.calendar(organization)
            for key, period in (
                ((partition, organization, "day", day), calendar.day),
                ((partition, organization, "week", week), calendar.week),
            ):
                if key not in taken.periods:
                    taken.periods[key] = Pending(period(key[3]), week)

    async def _rolled_up(self, state: WorkerState, frame: pl.DataFrame) -> list[Numbers]:
        measured, missing = state.entered(with_measures(frame))
        loaded = await self._needed.of_pairs(state, missing)
        try:
            return await self._added(state, measured, loaded)
        except SumTooLarge as refused:
            named = measured.with_columns(pl.col("src_offset").alias("offset"))
            events = named.join(refused.lines, on=refused.lines.columns, how="semi")
            refused.events = frame.join(events, on=["src_partition", "src_offset", "src_index"], how="semi")
            raise

    async def _added(self, state: WorkerState, frame: pl.DataFrame, loaded: list[pl.DataFrame]) -> list[Numbers]:
        lines = [grouped(frame, store.family, by_offset=False) for store in state.stores]
        loaded = loaded + await self._needed.of_lines(state.stores, lines)
        for stored in loaded:
            if not stored.is_empty():
                self._raise_horizons(state.partitions, stored)
        lowest = frame.group_by("src_partition").agg(pl.col("src_offset").min()).iter_rows()
        if any(offset <= state.partitions[number].horizon for number, offset in lowest):
            return [store.add_checked(grouped(frame, store.family, by_offset=True)) for store in state.stores]
        return [store.add_new(added) for store, added in zip(state.stores, lines, strict=True)]

    @staticmethod
    def _raise_horizons(partitions: dict[int, Partition], stored: pl.DataFrame) -> None:
        for number, highest in stored.group_by("src_partition").agg(pl.col("offset").max()).iter_rows():
            partition = partitions[number]
            partition.horizon = max(partition.horizon, highest)


def _before(left: tuple[str, ...], right: tuple[str, ...]) -> pl.Expr:
    """Whether the left columns are lower than the right ones, the first that differ deciding."""
    lower = pl.lit(False)
    for a, b in reversed(list(zip(left, right, strict=True))):
        lower = (pl.col(a) < pl.col(b)) | ((pl.col(a) == pl.col(b)) & lower)
    return lower


def _refused_row(row: dict[str, Any]) -> Rejection:
    event_id = str(UUID(bytes=row["event_id"]))
    return Rejection.of_worker(
        row["src_partition"],
        row["src_offset"],
        round(row["append_time"].timestamp() * 1000),
        row["src_index"],
        row["refusal"],
        row_as_sent(row),
        organization=row["organization"],
        event_id=event_id,
    )
