"""Compares the warehouse with the truth, row by row and measure by measure; what differs is said with both values."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl
from clickhouse_connect.driver.client import Client

from tests.chaos import stored
from tests.chaos.places import Place, midnight
from tests.chaos.truth import COUNTED, Accepted, Key, Lines, Truth
from warehouse.families import Family
from warehouse.literals import quoted

SHOWN = 20
PLACE = ("bucket", "hour", "day", "week")
WHO = ("src_partition", "organization")


@dataclass(slots=True)
class Found:
    """How many rows of each table were compared and how many are wrong, and the first of those in words."""

    rows: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    @property
    def total_rows(self) -> int:
        """Over all tables."""
        return sum(self.rows.values())

    @property
    def total_wrong(self) -> int:
        """Over all tables."""
        return sum(self.wrong.values())

    def compare(self, what: str, expected: pl.DataFrame, have: pl.DataFrame, key: Sequence[str]) -> None:
        """Adds a table. Both frames have the same columns; no key occurs twice where all is well."""
        if have.is_empty():
            have = expected.clear()
        have = have.select(expected.columns).cast(expected.schema)
        values = [name for name in expected.columns if name not in key]
        both = expected.with_columns(pl.lit(1).alias("there")).join(
            have.with_columns(pl.lit(1).alias("there")), on=list(key), how="full", coalesce=True, suffix=" stored"
        )
        differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name} stored")) for name in [*values, "there"])
        wrong = both.filter(differs)
        self.rows[what], self.wrong[what] = both.height, wrong.height
        for row in wrong.head(SHOWN).iter_rows(named=True):
            place = {name: row[name] for name in key if row[name] != ""}
            if row["there"] is None or row["there stored"] is None:
                missing = "not expected" if row["there"] is None else "missing"
                side = " stored" if row["there"] is None else ""
                told = {name: row[name + side] for name in values if row[name + side] not in (0, "", None)}
                self.words.append(f"{what} {place}: {missing} {told}")
                continue
            told = {
                name: f"expected {row[name]}, stored {row[f'{name} stored']}"
                for name in values
                if row[name] != row[f"{name} stored"]
            }
            self.words.append(f"{what} {place}: {told}")

    def same(self, what: str, expected: object, have: object) -> None:
        """Adds one value."""
        self.rows[what] = self.rows.get(what, 0) + 1
        self.wrong[what] = self.wrong.get(what, 0) + (expected != have)
        if expected != have:
            self.words.append(f"{what}: expected {expected}, stored {have}")


def compare(client: Client, truth: Truth, topic: str, numbers: range) -> Found:
    """Everything of these log partitions: progress, raw events, every family and grain, histograms and views."""
    found = Found()
    have = stored.progress(client, topic)
    for number, end in truth.ends.items():
        row = have.get(number, {})
        found.same("progress", end - 1, row.get("applied_offset"))
        for name in COUNTED:
            found.same("progress", truth.counts[number][name], row.get(name))
    found.compare("usage_raw", _raw(truth.accepted), stored.raw(client, numbers), (*WHO, "event_id", "time_ms"))
    rewritten = Rewritten(stored.done_marks(client), stored.repair_cuts(client))
    for lines in truth.lines:
        family = lines.family
        for grain in ("quarter", "hour", "day", "week"):
            rows = stored.family_rows(client, numbers, family, grain)
            expected = _family(truth, lines, grain, rewritten)
            found.compare(f"{family.table} {grain}", expected, rows, (*WHO, *PLACE, *family.dimensions))
    histograms = truth.histograms()
    for grain in ("hour", "day", "week"):
        rows = stored.latency_rows(client, numbers, grain)
        key = (*WHO, *PLACE, "provider", "model", "metric")
        found.compare(f"rollup_latency {grain}", _latency(truth, histograms, grain, rewritten), rows, key)
    _compare_views(client, truth, found)
    return found


def _raw(accepted: Iterable[Accepted]) -> pl.DataFrame:
    rows = []
    for one in accepted:
        event, charged = one.event, one.charged
        charges = {
            "cost_nano_usd": charged.cost_nano_usd,
            "billed_nano_usd": charged.billed_nano_usd,
            "credits_micro": charged.credits_micro,
            "late": int(one.late),
        }
        reported = event.fields.get("reported_cost_usd")
        source_id = "" if event.key == event.event_id else event.key
        rows.append(
            {
                "organization": event.organization,
                "event_id": event.event_id,
                "time_ms": event.time_ms,
                "src_partition": one.partition,
                "src_offset": one.offset,
                "src_index": one.index,
                "append_ms": one.append_ms,
                "hour": one.place.hour,
                "day": str(one.place.day),
                "week": str(one.place.week),
                **{name: event.text(name) for name in stored.RAW_TEXTS},
                "source_id": source_id,
                "cost_status": charged.status,
                **{name: charges[name] if name in charges else event.number(name) for name in stored.RAW_NUMBERS},
                **{name: event.fields.get(name) for name in stored.RAW_NULLABLE},
                "reported_cost_nano_usd": None if reported is None else int(Decimal(reported) * 10**9),
            }
        )
    integers = ("time_ms", "src_partition", "src_offset", "src_index", "append_ms", "hour")
    kinds = dict.fromkeys((*integers, *stored.RAW_NUMBERS, *stored.RAW_NULLABLE), pl.Int64)
    return pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None)


def placed(grain: str, organization: str, place: Place) -> tuple[int, int, str, str]:
    """Bucket, hour, day and week of a row of this grain."""
    day, week = str(place.day), str(place.week)
    if grain == "quarter":
        return place.quarter, place.hour, day, week
    if grain == "hour":
        return place.hour, place.hour, day, week
    start = midnight(organization, place.day if grain == "day" else place.week)
    return (start, start, day, week) if grain == "day" else (start, start, week, week)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Where rows carry an offset that is not their last event's: that of their derivation, or of a repair.

    marks: by partition, organisation, day or week, its first date. cuts: the same; a
    repair of a day, also one that takes back what other rules wrote (rule E10), writes all its rows at its cut.
    """

    marks: dict[tuple[int, str, str, str], int]
    cuts: dict[tuple[int, str, str, str], int]

    def offset(self, grain: str, partition: int, organization: str, place: Place, last: int) -> int:
        """What the row must carry; last: offset of its newest event."""
        period, first = ("week", place.week) if grain == "week" else ("day", place.day)
        where = (partition, organization, period, str(first))
        if grain != "quarter":
            last = self.marks.get(where, -1)
        return max(last, self.cuts.get(where, -1))


def _is_derived(truth: Truth, grain: str, partition: int, organization: str, place: Place) -> bool:
    period, day = ("week", place.week) if grain == "week" else ("day", place.day)
    return truth.closed(partition, organization, period, day)


def _family(truth: Truth, lines: Lines, grain: str, rewritten: Rewritten) -> pl.DataFrame:
    """Expected rows. Derived ones exist for closed periods and carry the offset of the mark that says so (rule E5)."""
    family, sums, offsets = lines.family, dict[Key, list[int]](), dict[Key, int]()
    for key, row in lines.sums.items():
        partition, organization, place = key[:3]
        assert isinstance(partition, int)
        assert isinstance(organization, str)
        assert isinstance(place, Place)
        if grain != "quarter" and not _is_derived(truth, grain, partition, organization, place):
            continue
        offset = rewritten.offset(grain, partition, organization, place, lines.offsets[key])
        whole = (partition, organization, *placed(grain, organization, place), *key[3:])
        known = sums.get(whole)
        sums[whole] = row if known is None else [a + b for a, b in zip(known, row, strict=True)]
        offsets[whole] = max(offset, offsets.get(whole, -1))
    return _frame(family, [(*key, *sums[key], offsets[key]) for key in sums])


def _frame(family: Family, rows: list[tuple[object, ...]]) -> pl.DataFrame:
    numbers = dict.fromkeys((*family.measures, "offset"), pl.Int64())
    schema = {**_key_schema(), **dict.fromkeys(family.dimensions, pl.String()), **numbers}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _key_schema() -> dict[str, pl.DataType]:
    integers, texts = pl.Int64(), pl.String()
    return {
        "src_partition": integers,
        "organization": texts,
        "bucket": integers,
        "hour": integers,
        "day": texts,
        "week": texts,
    }


def _latency(truth: Truth, histograms: dict[Key, dict[int, int]], grain: str, rewritten: Rewritten) -> pl.DataFrame:
    merged: dict[Key, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    offsets: dict[Key, int] = {}
    for key, bins in histograms.items():
        partition, organization, place = key[:3]
        assert isinstance(partition, int)
        assert isinstance(organization, str)
        assert isinstance(place, Place)
        if _is_derived(truth, grain, partition, organization, place):
            whole = (partition, organization, *placed(grain, organization, place), *key[3:])
            offsets[whole] = rewritten.offset(grain, partition, organization, place, -1)
            for number, count in bins.items():
                merged[whole][number] += count
    rows = [
        (*key, "[" + ",".join(f"({number},{count})" for number, count in sorted(bins.items())) + "]", offsets[key])
        for key, bins in merged.items()
    ]
    texts = dict.fromkeys(("provider", "model", "metric", "bins"), pl.String())
    return pl.DataFrame(rows, schema={**_key_schema(), **texts, "offset": pl.Int64()}, orient="row")


VIEWS: dict[str, tuple[str, Callable[[Place], str]]] = {
    "usage_daily": ("toString(day)", lambda place: str(place.day)),
    "usage_weekly": ("toString(week)", lambda place: str(place.week)),
    "usage_hourly": ("toString(toUnixTimestamp(bucket))", lambda place: str(place.hour)),
}
"""Views over all periods, also open ones: what tells periods apart in SQL and here."""


def _compare_views(client: Client, truth: Truth, found: Found) -> None:
    for view, (column, period_of) in VIEWS.items():
        expected: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for one in truth.accepted:
            row, told = expected[one.event.organization, period_of(one.place)], one.measures()
            row[0] += 1
            row[1] += told["total_input_tokens"] + told["total_output_tokens"]
            row[2] += told["cost_nano_usd"]
        names_told = ", ".join(quoted(name) for name in sorted({one.event.organization for one in truth.accepted}))
        have = stored.frame(
            client,
            f"SELECT toString(organization) AS organization, {column} AS period, toInt64(sum(requests)) AS requests, "
            "toInt64(sum(total_tokens)) AS tokens, toInt64(sum(cost_usd) * 1000000000) AS cost_nano_usd "
            f"FROM {view} WHERE organization IN ({names_told}) GROUP BY organization, period",
        )
        rows = [(*key, *row) for key, row in expected.items()]
        names = ("organization", "period", "requests", "tokens", "cost_nano_usd")
        schema = dict(zip(names, (pl.String(), pl.String(), pl.Int64(), pl.Int64(), pl.Int64()), strict=True))
        wanted = pl.DataFrame(rows, schema=schema, orient="row")
        found.compare(view, wanted, have, names[:2])
