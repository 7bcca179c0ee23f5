"""Log partitions of the topic's former generations: nothing is read into them any more, and what they hold counts.

A lost log may leave raw rows that no rollup row counts: its last flush never ended, and no replay will come. They are
rolled up as they stand, so that every stored event is counted once; copies of them in the new log are then copies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl
import structlog

from stream_jobs.deduplication.window import Window
from stream_jobs.rollups.groups import grouped
from stream_jobs.rollups.measures import with_measures
from stream_jobs.rollups.pairs import PAIR, Pairs
from stream_jobs.rollups.row_store import RowStore
from stream_jobs.worker.cascade import Cascade
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.loading import load_rows
from stream_jobs.worker.partition import Partition, Progress
from stream_jobs.worker.settings import LOGIC_VERSION, WorkerSettings
from stream_jobs.worker.sink import Sink
from warehouse.families import FAMILIES, INPUT_BUCKETS, MONEY, OUTPUT_BUCKETS
from warehouse.log_partitions import PARTITIONS_PER_GENERATION

log = structlog.get_logger()
EVENTS_PER_SLICE = 100_000
END_OF_TIME_MS = 253_402_300_799_000
TEXTS = sorted({name for family in FAMILIES for name in family.dimensions} | {"organization", "cost_status"})
COUNTS = (*INPUT_BUCKETS, *OUTPUT_BUCKETS, *MONEY, "duration_ms", "time_to_first_token_ms", "rating", "late")
PLACES = ("day", "week", "src_partition", "src_offset")


@dataclass(frozen=True, slots=True)
class FormerPartition:
    """A log partition of a former generation: its progress, and the offset of the last event or mark that is stored."""

    number: int
    topic: str
    progress: Progress
    last_offset: int


def refusal(foreign: str | None, last_offset: int | None, log_start: int) -> str | None:
    """Why a partition must not be begun: its number is taken, or the warehouse was not restored as a whole."""
    if foreign is not None:
        return (
            f"this partition was counted from the topic {foreign}: set TALLY_EVENTS_TOPIC={foreign} again, or raise "
            "TALLY_TOPIC_GENERATION to count the new topic apart"
        )
    if last_offset is not None and log_start > 0:
        return (
            f"events up to offset {last_offset} are stored but no progress, and the log starts at {log_start}: the "
            "warehouse was not restored as a whole; restore all tables from one backup, or raise "
            "TALLY_TOPIC_GENERATION to count the log apart"
        )
    return None


def former_partitions(sink: Sink, first: int) -> list[FormerPartition]:
    """Every log partition below `first`, the number of the present generation's first partition."""
    if first == 0:
        return []
    last = dict(
        sink.rows(
            "SELECT src_partition, max(place) FROM ("
            f"SELECT src_partition, src_offset AS place FROM event_id_log WHERE src_partition < {first} UNION ALL "
            f"SELECT src_partition, offset FROM touched_periods WHERE src_partition < {first} AND kind = 'touched') "
            "GROUP BY src_partition"
        )
    )
    names = ("applied_offset", "toUnixTimestamp64Milli(applied_time)", "topic_id")
    counters = ("seen", "accepted", "duplicates", "rejected", "misrouted")
    rows = sink.rows(
        f"SELECT src_partition, topic, {', '.join((*names, *counters))} FROM partition_progress FINAL "
        f"WHERE src_partition < {first} ORDER BY src_partition, applied_offset"
    )
    known = {row[0]: (row[1], Progress(*row[2:])) for row in rows}
    return [
        FormerPartition(number, *known.get(number, ("", Progress())), last_offset=last.get(number, -1))
        for number in sorted(known.keys() | last.keys())
    ]


def finished(number: int, progress: Progress) -> Partition:
    """A partition into which nothing comes any more: all its periods are closed."""
    partition = Partition.resumed(number, progress, Window(1))
    partition.clock_ms = partition.applied_clock_ms = END_OF_TIME_MS
    partition.proven = -1  # it may be another topic's; nothing is written for it that a set back could take away
    return partition


@dataclass(slots=True)
class Former:
    """Finishes what former generations left, before the present one is read."""

    settings: WorkerSettings
    sink: Sink
    directory: Directory
    cascade: Cascade

    def finish(self, owned: Sequence[int]) -> tuple[int | None, dict[int, Partition]]:
        """Counts stored events that no progress covers.

        Returns the highest append time of former generations (Unix ms; None without any) and, for whoever owns the
        log partitions `owned`, the former ones that fall to it: their periods are derived by it. Repeating it writes
        the same rows again; all workers may do it at once.
        """
        clocks, mine = [], {}
        for partition in former_partitions(self.sink, self.settings.src_partition(0)):
            while partition.last_offset > partition.progress.applied_offset:
                partition = self._slice(partition)
            clocks.append(partition.progress.applied_ms)
            heir = partition.number % PARTITIONS_PER_GENERATION % self.settings.partitions
            if self.settings.src_partition(heir) in owned:
                mine[partition.number] = finished(partition.number, partition.progress)
        return max(clocks, default=None), mine

    def _slice(self, partition: FormerPartition) -> FormerPartition:
        events = self._events(partition)
        known = partition.progress
        top, clock_ms = partition.last_offset, known.applied_ms
        if not events.is_empty():
            top, newest_ms = events.select(pl.max("src_offset", "append_ms")).row(0)
            clock_ms = max(clock_ms, newest_ms)
            self._mark(events, top)
            self._roll_up(events)
        progress = replace(
            known,
            applied_offset=top,
            applied_ms=clock_ms,
            seen=known.seen + events.height,
            accepted=known.accepted + events.height,
        )
        self.sink.insert("partition_progress", self._progress_row(partition, progress))
        log.warning("events of a lost log are counted", partition=partition.number, offset=top, events=events.height)
        return replace(partition, progress=progress)

    def _events(self, partition: FormerPartition) -> pl.DataFrame:
        """The next stored events behind progress, in whole envelopes."""
        above = f"src_partition = {partition.number} AND src_offset > {partition.progress.applied_offset}"
        cut = (
            f"SELECT max(src_offset) FROM (SELECT src_offset FROM event_id_log WHERE {above} "
            f"ORDER BY src_partition, src_offset LIMIT {EVENTS_PER_SLICE})"
        )
        places = self.sink.frame(
            f"SELECT toString(organization) AS organization, time, event_id FROM event_id_log FINAL WHERE {above} "
            f"AND src_offset <= ({cut})"
        )
        if places.is_empty():
            return places
        texts = ", ".join(f"toString({name}) AS {name}_text" for name in TEXTS)
        numbers = ", ".join(f"toInt64({name}) AS {name}_number" for name in COUNTS)
        found = self.sink.frame(
            f"SELECT {texts}, {numbers}, {', '.join(PLACES)}, toUnixTimestamp64Milli(append_time) AS append_ms, "
            "toUnixTimestamp(hour) AS hour, toUnixTimestamp(toStartOfFifteenMinutes(time)) AS bucket "
            "FROM usage_raw FINAL "
            f"WHERE (organization, time, event_id) IN (SELECT organization, time, event_id FROM asked) AND {above}",
            places,
        )
        plain = {f"{name}_text": name for name in TEXTS} | {f"{name}_number": name for name in COUNTS}
        return found if found.is_empty() else found.rename(plain)

    def _mark(self, events: pl.DataFrame, top: int) -> None:
        unknown = self.directory.unknown(events["organization"].unique().to_list())
        if unknown:
            self.directory.learn(unknown, events.select(pl.max("append_ms")).item())
        touched = events.select("src_partition", "organization", "day", "week").unique().rows()
        self.directory.write_years({(organization, day) for _, organization, day, _ in touched})
        marks = {(number, name, "day", day, "touched", top) for number, name, day, _ in touched}
        marks |= {(number, name, "week", week, "touched", top) for number, name, _, week in touched}
        self.sink.insert("touched_periods", self.cascade.marks(sorted(marks)))

    def _roll_up(self, events: pl.DataFrame) -> None:
        measured = with_measures(
            events.with_columns(
                pl.col("bucket", "hour").cast(pl.UInt32),
                pl.col("src_partition").cast(pl.UInt16),
                pl.col("late").cast(pl.UInt8),
            )
        )
        pairs = Pairs()
        numbers, _ = pairs.add(measured)
        wanted, measured = measured.select(PAIR).unique(), measured.with_columns(pl.Series("pair", numbers))
        for family in FAMILIES:
            store = RowStore(family, pairs)
            stored = load_rows(self.sink, family, wanted)
            if not stored.is_empty():
                store.put(stored)
            lines = grouped(measured, family, by_offset=True)
            if not lines.is_empty():
                rows = store.rows(store.add_checked(lines))
                self.sink.insert(family.table, rows.with_columns(pl.lit("quarter").alias("grain")))

    def _progress_row(self, partition: FormerPartition, progress: Progress) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "topic": partition.topic or self.settings.events_topic,
                "src_partition": partition.number,
                "topic_id": progress.topic_id,
                "applied_offset": progress.applied_offset,
                "applied_time": progress.applied_ms,
                "seen": progress.seen,
                "accepted": progress.accepted,
                "duplicates": progress.duplicates,
                "rejected": progress.rejected,
                "misrouted": progress.misrouted,
                "logic_version": LOGIC_VERSION,
                "worker": self.settings.name,
            }
        ).with_columns(
            pl.col("src_partition").cast(pl.UInt16),
            pl.col("applied_time").cast(pl.Datetime("ms", "UTC")),
            pl.col("logic_version").cast(pl.UInt32),
        )
