"""A warehouse in memory for simulations of the worker: the rows it would keep, and the answers to its statements.

Tables replace rows by key and version as ReplacingMergeTree does: the highest version stays, of equal ones the last.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from producers.rejections.rejection import Rejection
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.rollups.bundle import Bundle
from stream_jobs.rollups.cascade import DuePeriod
from stream_jobs.rollups.measures import with_measures
from stream_jobs.worker.statements import family_columns
from warehouse.families import FAMILIES, Family

Row = Mapping[str, Any]
Key = tuple[Any, ...]
KEYS: dict[str, tuple[str, ...]] = {
    "usage_raw": ("organization", "time", "event_id"),
    "event_id_log": ("src_partition", "src_offset", "src_index"),
    "partition_progress": ("topic", "src_partition"),
    "touched_periods": ("src_partition", "organization", "grain", "date", "kind"),
    "organizations": ("organization", "effective_from"),
    "alerts": ("alert_id",),
    "tombstones": ("organization", "time", "id_hash"),
    "quarantine": ("src_partition", "src_offset", "src_index"),
    "control_records": ("control_id",),
    "control_publications": ("control_id", "src_partition"),
    "control_log": ("src_partition", "control_id", "src_offset"),
    "jobs": ("src_partition", "control_id"),
    "revision_switches": ("src_partition", "kind", "offset"),
    "config_revisions": ("kind", "revision", "organization"),
    "awaited_events": ("src_partition", "organization", "time", "event_id", "src_offset"),
    "repairs": ("src_partition", "repair_id", "organization", "day"),
    "calendar": ("time_zone", "grain", "week_start", "start"),
    **{f.table: ("grain", "organization", "bucket", *f.dimensions, "src_partition") for f in FAMILIES},
}
VERSIONS = {
    "partition_progress": "applied_offset",
    "touched_periods": "offset",
    "repairs": "version",
    "jobs": "version",
    "awaited_events": "version",
    "usage_raw": "control_offset",
}
PLACED = ("organization", "src_partition", "hour", "day", "week")
TABLES = {family.table for family in FAMILIES}
FINER = {"hour": "quarter", "day": "hour", "week": "day"}


def unix_ms(instant: datetime) -> int:
    """Unix milliseconds of a stored instant."""
    return round(instant.timestamp() * 1000)


def version(table: str, row: Row) -> int:
    """What ReplacingMergeTree compares."""
    if table in TABLES:
        return int((row["epoch"] << 48) + row["offset"])
    return int(row.get(VERSIONS[table], 0)) if table in VERSIONS else 0


@dataclass(slots=True)
class FakeWarehouse:
    """Tables by name, rows by key; `rejections` is what the job of the refusals would store."""

    tables: dict[str, dict[Key, Row]] = field(default_factory=lambda: {name: {} for name in KEYS})
    rejections: dict[str, Rejection] = field(default_factory=dict)

    def rows(self, table: str) -> Iterator[Row]:
        """The rows that FINAL shows."""
        return iter(self.tables[table].values())

    def store(self, table: str, rows: Sequence[Row]) -> None:
        """An insert that has become durable."""
        kept = self.tables[table]
        for row in rows:
            key = tuple(row[name] for name in KEYS[table])
            if key not in kept or version(table, row) >= version(table, kept[key]):
                kept[key] = row
        if table == "usage_raw":
            self.store("event_id_log", rows)

    def progress(self, topic: str, partitions: Sequence[int]) -> list[tuple[Any, ...]]:
        counters = ("seen", "accepted", "duplicates", "rejected", "misrouted")
        return [
            (
                row["src_partition"],
                row["applied_offset"],
                unix_ms(row["applied_time"]),
                row["topic_id"],
                *(row[name] for name in counters),
            )
            for row in self.rows("partition_progress")
            if row["topic"] == topic and row["src_partition"] in partitions
        ]

    def newest_ids(self, partition: int, applied: int, count: int) -> pl.DataFrame:
        known = {place: (row, row["event_id"], False) for place, row in self.tables["event_id_log"].items()}
        for row in self.rows("tombstones"):
            known[tuple(row[name] for name in KEYS["event_id_log"])] = (row, row["id_hash"], True)
        places = sorted((place for place in known if place[0] == partition and place[1] <= applied), reverse=True)
        rows = [known[place] for place in places[:count]]
        return pl.DataFrame(
            [
                (r["organization"], identity, unix_ms(r["time"]), unix_ms(r["append_time"]), r["src_offset"], erased)
                for r, identity, erased in rows
            ],
            schema={
                "organization": pl.String,
                "event_id": pl.Binary,
                "time_ms": pl.Int64,
                "append_ms": pl.Int64,
                "src_offset": pl.Int64,
                "erased": pl.Boolean,
            },
            orient="row",
        )

    def stored_events(self, spans: Mapping[int, tuple[int, int]]) -> list[tuple[int, int]]:
        places = {(row["src_partition"], row["src_offset"], row["src_index"]) for row in self.rows("event_id_log")}
        return [
            (number, sum(place[0] == number and applied < place[1] <= top for place in places))
            for number, (applied, top) in spans.items()
        ]

    def newest_append_before(self, partition: int, offset: int, than_ms: int) -> list[tuple[int]]:
        times = [
            unix_ms(row["append_time"])
            for row in (*self.rows("event_id_log"), *self.rows("tombstones"))
            if row["src_partition"] == partition and row["src_offset"] < offset
        ]
        return [(max((time_ms for time_ms in times if time_ms > than_ms), default=0),)]

    def times_ahead(self, partition: int, offset: int, than_ms: int, future_ms: int) -> list[tuple[int]]:
        rows = [row for name in ("event_id_log", "tombstones") for row in self.rows(name)]
        mine = [row for row in rows if row["src_partition"] == partition and row["src_offset"] <= offset]
        mine = [row for row in mine if unix_ms(row["append_time"]) >= than_ms - future_ms]
        return [(time_ms,) for time_ms in {unix_ms(row["time"]) for row in mine} if time_ms > than_ms]

    def foreign_topics(self, topic: str, partitions: Sequence[int]) -> list[tuple[int, str]]:
        rows = self.rows("partition_progress")
        return [
            (r["src_partition"], r["topic"]) for r in rows if r["src_partition"] in partitions and r["topic"] != topic
        ]

    def last_stored_offsets(self, partitions: Sequence[int]) -> list[tuple[int, int]]:
        last: dict[int, int] = {}
        for row in self.rows("event_id_log"):
            if row["src_partition"] in partitions:
                last[row["src_partition"]] = max(row["src_offset"], last.get(row["src_partition"], -1))
        return list(last.items())

    def highest_buckets(self, partitions: Sequence[int]) -> list[tuple[int, str, int]]:
        highest: dict[tuple[int, str], int] = {}
        for row in (row for table in TABLES for row in self.rows(table)):
            if row["grain"] == "quarter" and row["src_partition"] in partitions:
                key = (row["src_partition"], row["organization"])
                highest[key] = max(row["bucket"], highest.get(key, 0))
        return [(*key, bucket) for key, bucket in highest.items()]

    def pending_periods(self, partitions: Sequence[int]) -> list[tuple[int, str, str, date, int]]:
        marks: dict[tuple[int, str, str, date], dict[str, int]] = defaultdict(lambda: {"touched": 0, "done": 0})
        for row in self.rows("touched_periods"):
            if row["src_partition"] in partitions:
                key = (row["src_partition"], row["organization"], row["grain"], row["date"])
                marks[key][row["kind"]] = row["offset"] + 1
        return [(*key, mark["touched"] - 1) for key, mark in marks.items() if mark["touched"] > mark["done"]]

    def raised_epochs(
        self, grain: str, partitions: Sequence[int], organizations: Sequence[str], start: int, end: int
    ) -> list[tuple[int, str, date, int]]:
        grains = {"quarter", "hour", "day", *({"week"} & {grain})}
        raised: dict[tuple[int, str, date], int] = {}
        for row in (row for table in TABLES for row in self.rows(table)):
            mine = row["src_partition"] in partitions and row["organization"] in organizations
            if row["grain"] in grains and mine and start <= row["bucket"] < end and row["epoch"]:
                key = (row["src_partition"], row["organization"], row[grain])
                raised[key] = max(row["epoch"], raised.get(key, 0))
        return [(*key, epoch) for key, epoch in raised.items()]

    def family_rows(
        self, family: Family, partitions: Sequence[int], keys: Sequence[str], *, asked: pl.DataFrame
    ) -> pl.DataFrame:
        wanted, columns = set(asked.select(keys).rows()), family_columns(family)
        rows = [
            [row[name] for name in columns]
            for row in self.rows(family.table)
            if row["grain"] == "quarter"
            and row["src_partition"] in partitions
            and tuple(row[name] for name in keys) in wanted
        ]
        return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None) if rows else pl.DataFrame()

    def quarantined(self, partitions: Sequence[int]) -> list[tuple[int, int, int, str, str]]:
        return [
            (*key, row["reason"], row["raw"].hex())
            for key, row in self.tables["quarantine"].items()
            if key[0] in partitions
        ]

    def row_counts(self, partitions: Sequence[int], *, asked: pl.DataFrame) -> pl.DataFrame:
        wanted, counts = set(asked.select("organization", "bucket").rows()), defaultdict[Key, int](int)
        for row in (row for family in FAMILIES for row in self.rows(family.table)):
            pair = (row["organization"], row["bucket"])
            if row["grain"] == "quarter" and row["src_partition"] in partitions and pair in wanted:
                counts[row["src_partition"], *pair] += 1
        rows = [(*pair, count) for pair, count in counts.items()]
        return pl.DataFrame(rows, schema=["p", "o", "b", "n"], orient="row") if rows else pl.DataFrame()

    def tombstoned_organizations(self) -> list[tuple[str, str]]:
        return list({(row["organization"], row["key_check"]) for row in self.rows("tombstones")})

    def erase(self, organization: str, tombstones: Tombstones) -> None:
        """What erasing all events of an organisation leaves behind."""
        for table in ("usage_raw", "event_id_log"):
            kept = {key: row for key, row in self.tables[table].items() if row["organization"] != organization}
            erased = [row for row in self.rows(table) if row["organization"] == organization]
            self.tables[table] = kept
            hashes = [tombstones.hashed(organization, row["event_id"]) for row in erased]
            made = [{**row, "id_hash": each} for row, each in zip(erased, hashes, strict=True)]
            self.store("tombstones", [{**row, "key_check": tombstones.key_check()} for row in made])

    def earlier_copies(self, *tables: str, asked: pl.DataFrame) -> pl.DataFrame:
        sources = [self.tables["usage_raw" if table == "event_id_lookup" else table] for table in tables]
        pairs = [(key, rows[key]) for rows in sources for key in asked.rows() if key in rows]
        keys, found = [key for key, _ in pairs], [row for _, row in pairs]
        if not found:
            return pl.DataFrame()
        return (
            pl.DataFrame(keys, schema=asked.schema, orient="row")
            .rename({"organization": "organization_text"})
            .with_columns(
                pl.Series("first_partition", [row["src_partition"] for row in found], pl.UInt16),
                pl.Series("first_offset", [row["src_offset"] for row in found], pl.Int64),
                pl.Series("first_index", [row["src_index"] for row in found], pl.UInt32),
            )
        )

    def organizations(self, names: Sequence[str]) -> list[tuple[str, int, str, int]]:
        return [
            (row["organization"], row["effective_from"], row["time_zone"], row["week_start"])
            for row in sorted(self.rows("organizations"), key=lambda row: int(row["effective_from"]))
            if row["organization"] in names
        ]

    def known_control(self, partition: int, control_id: str, before: int) -> list[tuple[bool, bool, bool]]:
        applied = any(
            (row["src_partition"], row["control_id"], row["outcome"]) == (partition, control_id, "applied")
            for row in self.rows("control_log")
            if row["src_offset"] < before
        )
        stored = (control_id,) in self.tables["control_records"]
        return [(applied, stored, (control_id, partition) in self.tables["control_publications"])]

    def later_calendars(self, place: tuple[int, int], organization: str, revision: int) -> list[tuple[int]]:
        known = [
            row
            for row in self.rows("revision_switches")
            if (row["kind"], row["organization"]) == ("calendar", organization) and row["revision"] > revision
        ]
        return [(sum((row["src_partition"], row["offset"]) < place for row in known),)]

    def revision_content(self, subject: str, revision: int, organization: str, content_hash: str) -> list[tuple[str]]:
        asked = (subject, revision, organization, content_hash)
        columns = ("kind", "revision", "organization", "content_hash")
        return [
            (row["content"],) for row in self.rows("config_revisions") if tuple(row[name] for name in columns) == asked
        ]

    def revisions_in_force(self, applied: Mapping[int, int], first: int) -> list[tuple[int, str, int]]:
        highest: dict[tuple[int, str], int] = {}
        for row in self.rows("revision_switches"):
            number = row["src_partition"]
            if row["kind"] != "calendar" and (number < first or row["offset"] <= applied.get(number, -1)):
                key = (-1 if number < first else number, row["kind"])
                highest[key] = max(highest.get(key, 0), row["revision"])
        return [(*key, revision) for key, revision in highest.items()]

    def awaited_events(self, applied: Mapping[int, int]) -> list[tuple[Any, ...]]:
        columns = ("event_id", "src_offset", "control_id", "kind", "change")
        return [
            (row["src_partition"], row["organization"], unix_ms(row["time"]), *(row[name] for name in columns))
            for row in self.rows("awaited_events")
            if row["src_offset"] <= (reached := applied.get(row["src_partition"], -1))
            if row["met"] == -1 or row["met"] > reached
        ]

    def derive(self, family: Family, grain: str, periods: Sequence[DuePeriod]) -> Callable[[], None]:
        """The statement's SELECT is done at once; what is returned is its INSERT."""
        derived: dict[Key, dict[str, Any]] = {}
        due = {(d.src_partition, d.organization, d.date): d for d in periods}
        joined = "week" if grain == "week" else "day"
        for row in self.rows(family.table):
            period = due.get((row["src_partition"], row["organization"], row[joined]))
            if period is None or row["grain"] != FINER[grain] or not period.start <= row["bucket"] < period.end:
                continue
            bucket = row["hour"] if grain == "hour" else period.start
            fresh = {**row, "grain": grain, "bucket": bucket, "hour": bucket, "day": row[joined]}
            fresh["offset"], fresh["epoch"] = period.applied_offset, period.epoch
            key = tuple(fresh[name] for name in KEYS[family.table])
            known = derived.setdefault(key, fresh)
            if known is not fresh:
                known.update({measure: known[measure] + row[measure] for measure in family.measures})
        return lambda: self.store(family.table, list(derived.values()))

    def ask_repairs(self, *days: tuple[int, str, date]) -> None:
        """Asks to compute these (src_partition, organization, day) again; all that are stored when none is named."""
        stored = {(r["src_partition"], r["organization"], r["day"]) for table in TABLES for r in self.rows(table)}
        repair_id = f"repair {len(self.tables['repairs'])}"
        fresh = {"repair_id": repair_id, "state": "asked", "version": 1, "epoch": 0, "cut": -1, "message": ""}
        names = ("src_partition", "organization", "day")
        self.store("repairs", [{**fresh, **dict(zip(names, each, strict=True))} for each in sorted(days or stored)])

    def open_repairs(self, partitions: Sequence[int]) -> list[tuple[Any, ...]]:
        return self._repairs(partitions, ("asked", "running"))

    def begun_repairs(self, partitions: Sequence[int]) -> list[tuple[Any, ...]]:
        return self._repairs(partitions, ("running",))

    def _repairs(self, partitions: Sequence[int], states: Sequence[str]) -> list[tuple[Any, ...]]:
        return [
            (row["repair_id"], row["src_partition"], row["organization"], row["day"], row["version"])
            for row in self.rows("repairs")
            if row["src_partition"] in partitions and row["state"] in states
        ]

    def open_jobs(self, _partitions: Sequence[int]) -> list[tuple[Any, ...]]:
        """Jobs rewrite raw events in statements of the engine; simulations have none."""
        return []

    def due_erasures(self, _partitions: Sequence[int]) -> list[tuple[Any, ...]]:
        """The same."""
        return []

    def complete_erasures(self, _partitions: Sequence[int]) -> list[tuple[Any, ...]]:
        """The same."""
        return []

    def events_per_quarter(self, _work: Bundle) -> list[tuple[int, int]]:
        """Nothing is too much for it."""
        return []

    def slices_noted(
        self, repair_id: str, work: Bundle, state: str, message: str, version: int, _events: Mapping[Any, int]
    ) -> Callable[[], None]:
        said = {"state": state, "message": message, "version": version, "epoch": work.epoch, "cut": work.cut}
        keys = [(work.src_partition, repair_id, each.organization, each.day) for each in work.slices]
        noted = [{**self.tables["repairs"][key], **said} for key in keys]
        return lambda: self.store("repairs", noted)

    def rewritten_events(self, _repair_id: str, _work: Bundle) -> list[tuple[str, date, int]]:
        return []

    def events_of_days(self, partition: int, days: Sequence[tuple[str, date]]) -> list[tuple[str, date, int]]:
        mine = (row for row in self.rows("usage_raw") if row["src_partition"] == partition)
        counts = Counter((row["organization"], row["day"]) for row in mine)
        return [(*place, counts[place]) for place in days if counts[place]]

    def highest_epoch(self, work: Bundle) -> list[tuple[int]]:
        tables = [row for table in TABLES for row in self.rows(table) if self._of(row, work, "week")]
        asked = [row for row in self.rows("repairs") if row["organization"] in work.organizations]
        mine = [row for row in (*tables, *asked) if row["src_partition"] == work.src_partition]
        return [(max((row.get("epoch", 0) for row in mine), default=0),)]

    def days_beyond(self, partition: int, applied: int) -> list[tuple[str, date]]:
        rows = (row for table in sorted(TABLES) for row in self.rows(table))
        beyond = (r for r in rows if r["grain"] == "quarter" and r["src_partition"] == partition)
        return sorted({(row["organization"], row["day"]) for row in beyond if row["offset"] > applied})

    def has_foreign_events(self, partition: int, applied: int, logic_version: int) -> list[tuple[int]]:
        return [(1,) for _ in self._foreign("event_id_log", partition, applied, logic_version)][:1]

    def foreign_events_deleted(
        self, table: str, partition: int, applied: int, logic_version: int
    ) -> Callable[[], None]:
        def delete() -> None:
            if table not in self.tables or self._applied(partition) != applied:
                return
            for key in self._foreign(table, partition, applied, logic_version):
                del self.tables[table][key]

        return delete

    def _foreign(self, table: str, partition: int, applied: int, logic_version: int) -> list[Key]:
        return [
            key
            for key, row in self.tables[table].items()
            if row["src_partition"] == partition
            and row["src_offset"] > applied
            and row["logic_version"] != logic_version
        ]

    def quarters(self, family: Family, work: Bundle, since: int, until: int) -> Callable[[], None]:
        """Sums raw events and empties what has none, unless progress has left the cut."""
        if self._applied(work.src_partition) != work.cut:
            return lambda: None
        fresh: dict[Key, dict[str, Any]] = {}
        for row in self.rows(family.table):
            if row["grain"] == "quarter" and self._of(row, work) and since <= row["bucket"] < until:
                empty = dict.fromkeys(family.measures, 0)
                fresh[tuple(row[name] for name in KEYS[family.table])] = {**row, **empty, **stamped(work, work.epoch)}
        for event in self.rows("usage_raw"):
            if not self._of(event, work) or event["src_offset"] > work.cut or (family.only and not event[family.only]):
                continue
            bucket = int(event["time"].timestamp()) // 900 * 900
            if not since <= bucket < until:
                continue
            place = {"grain": "quarter", "bucket": bucket, **{name: event[name] for name in PLACED}}
            keyed = {**place, **{name: event[name] for name in family.dimensions}}
            row = {**keyed, **dict.fromkeys(family.measures, 0), **stamped(work, work.epoch)}
            known = fresh.setdefault(tuple(row[name] for name in KEYS[family.table]), row)
            for measure, value in measured(event, family).items():
                known[measure] += value
        return lambda: self.store(family.table, list(fresh.values()))

    def emptied(self, family: Family, grain: str, work: Bundle, epoch: int) -> Callable[[], None]:
        if self._applied(work.src_partition) != work.cut:
            return lambda: None
        empty = {**dict.fromkeys(family.measures, 0), **stamped(work, epoch)}
        lower = (row for row in self.rows(family.table) if row["grain"] == grain and row["epoch"] < epoch)
        rows = [{**row, **empty} for row in lower if self._of(row, work, grain)]
        return lambda: self.store(family.table, rows)

    def _applied(self, partition: int) -> int:
        rows = self.rows("partition_progress")
        return max((row["applied_offset"] for row in rows if row["src_partition"] == partition), default=-1)

    @staticmethod
    def _of(row: Row, work: Bundle, grain: str = "day") -> bool:
        period = "week" if grain == "week" else "day"
        places = {(each.organization, each.week if period == "week" else each.day) for each in work.slices}
        return row["src_partition"] == work.src_partition and (row["organization"], row[period]) in places


def stamped(work: Bundle, epoch: int) -> dict[str, int]:
    """Offset and epoch of recomputed rows."""
    return {"offset": work.cut, "epoch": epoch}


def measured(event: Row, family: Family) -> dict[str, int]:
    """What a stored event adds to its rows, by the worker's own sums over one event."""
    frame = with_measures(pl.DataFrame([event], infer_schema_length=None))
    return frame.select(family.measures).row(0, named=True)
