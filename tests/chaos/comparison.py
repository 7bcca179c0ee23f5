"""Compares the warehouse with the truth, row by row and measure by measure; what differs is said with both values."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl
from clickhouse_connect.driver.client import Client

from tests.chaos import stored
from tests.chaos.accepted import Accepted
from tests.chaos.control_comparison import compare_controls
from tests.chaos.found import LEAST_OFFSET, Found
from tests.chaos.histogram import measured
from tests.chaos.places import Calendars, Place
from tests.chaos.truth import COUNTED, Key, Lines, Truth, histogram_key, key_in
from warehouse.families import Family
from warehouse.literals import quoted

PLACE = ("bucket", "hour", "day", "week")
WHO = ("src_partition", "organization")
NUMBERS = (*stored.RAW_NUMBERS, *stored.RAW_VERSIONS)


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
    compare_controls(client, truth, numbers, found)
    rewritten = Rewritten(stored.done_marks(client), stored.repair_cuts(client, truth.calendars))
    former = truth.history.former
    for lines in truth.lines():
        family = lines.family
        states = truth.history.emptied() if "user_id" in family.dimensions else former
        emptied = [key for one in states if (key := key_in(family, one)) is not None]
        for grain in ("quarter", "hour", "day", "week"):
            rows = _settled(truth, stored.family_rows(client, numbers, family, grain), grain)
            expected, key = _family(truth, lines, grain, rewritten), (*WHO, *PLACE, *family.dimensions)
            found.compare(
                f"{family.table} {grain}", expected, rows, key, _emptied(truth, expected, key, emptied, grain)
            )
    histograms = truth.histograms()
    unmeasured = [histogram_key(one, metric) for one in former for metric in measured(one.event)]
    for grain in ("hour", "day", "week"):
        rows = _settled(truth, stored.latency_rows(client, numbers, grain), grain)
        key = (*WHO, *PLACE, "provider", "model", "metric")
        expected = _latency(truth, histograms, grain, rewritten)
        found.compare(f"rollup_latency {grain}", expected, rows, key, _emptied(truth, expected, key, unmeasured, grain))
    _compare_views(client, truth, found)
    return found


def _emptied(
    truth: Truth, expected: pl.DataFrame, key: Sequence[str], former: Iterable[Key], grain: str
) -> pl.DataFrame:
    """The keys of rows in which an event once was counted."""
    rows = {
        (*one[:2], *placed(truth.calendars, grain, str(one[1]), one[2]), *one[3:])
        for one in former
        if isinstance(one[2], Place)
    }
    return pl.DataFrame(list(rows), schema=expected.select(key).schema, orient="row")


def _raw(accepted: Iterable[Accepted]) -> pl.DataFrame:
    rows = []
    for one in accepted:
        event, charged = one.event, one.charged
        charges = {
            "cost_nano_usd": charged.cost_nano_usd,
            "billed_nano_usd": charged.billed_nano_usd,
            "credits_micro": charged.credits_micro,
            "late": int(one.late),
            "price_revision": one.by.prices,
            "control_offset": one.version,
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
                **{name: charges[name] if name in charges else event.number(name) for name in NUMBERS},
                **{name: event.fields.get(name) for name in stored.RAW_NULLABLE},
                "reported_cost_nano_usd": None if reported is None else int(Decimal(reported) * 10**9),
            }
        )
    integers = ("time_ms", "src_partition", "src_offset", "src_index", "append_ms", "hour")
    kinds = dict.fromkeys((*integers, *NUMBERS, *stored.RAW_NULLABLE), pl.Int64)
    return pl.DataFrame(rows, schema_overrides=kinds, infer_schema_length=None)


def placed(calendars: Calendars, grain: str, organization: str, place: Place) -> tuple[int, int, str, str]:
    """Bucket, hour, day and week of a row of this grain."""
    day, week = str(place.day), str(place.week)
    if grain == "quarter":
        return place.quarter, place.hour, day, week
    if grain == "hour":
        return place.hour, place.hour, day, week
    start, _ = calendars.period(organization, grain, place.day if grain == "day" else place.week)
    return (start, start, day, week) if grain == "day" else (start, start, week, week)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Where rows carry an offset that is not their last event's: that of their derivation, or of a repair.

    marks: by partition, organisation, day or week, its first date. cuts: the same; a repair of a day, also one that
    takes back what other rules wrote (rule E10), writes its rows part after part, the last of them at its cut.
    """

    marks: dict[tuple[int, str, str, str], int]
    cuts: dict[tuple[int, str, str, str], int]

    def offsets(self, grain: str, partition: int, organization: str, place: Place, last: int) -> tuple[int, int]:
        """The least and the most that the row may carry; last: offset of its newest event."""
        period, first = ("week", place.week) if grain == "week" else ("day", place.day)
        where = (partition, organization, period, str(first))
        if grain != "quarter":
            last = self.marks.get(where, -1)
        return last, max(last, self.cuts.get(where, -1))


def _is_derived(truth: Truth, grain: str, partition: int, organization: str, place: Place) -> bool:
    period, day = ("week", place.week) if grain == "week" else ("day", place.day)
    return truth.closed(partition, organization, period, day)


def _settled(truth: Truth, rows: pl.DataFrame, grain: str) -> pl.DataFrame:
    """Without rows of a day or week that had closed when another calendar let it go on: they are derived again when it
    closes for good, and until then no view takes anything from them.
    """
    if grain == "quarter" or rows.is_empty():
        return rows
    period = "week" if grain == "week" else "day"
    places = rows.select("src_partition", "organization", pl.col(period).str.to_date().alias("first")).unique()
    open_again = [
        (number, name, str(first))
        for number, name, first in places.iter_rows()
        if truth.calendars.is_split(name, period, first) and not truth.closed(number, name, period, first)
    ]
    schema = {"src_partition": pl.Int64, "organization": pl.String, period: pl.String}
    return rows.join(pl.DataFrame(open_again, schema, orient="row"), on=list(schema), how="anti")


def _family(truth: Truth, lines: Lines, grain: str, rewritten: Rewritten) -> pl.DataFrame:
    """Expected rows. Derived ones exist for closed periods and carry the offset of the mark that says so (rule E5)."""
    family, sums, offsets = lines.family, dict[Key, list[int]](), dict[Key, tuple[int, int]]()
    for key, row in lines.sums.items():
        partition, organization, place = key[:3]
        assert isinstance(partition, int)
        assert isinstance(organization, str)
        assert isinstance(place, Place)
        if grain != "quarter" and not _is_derived(truth, grain, partition, organization, place):
            continue
        least, most = rewritten.offsets(grain, partition, organization, place, lines.offsets[key])
        whole = (partition, organization, *placed(truth.calendars, grain, organization, place), *key[3:])
        known = sums.get(whole)
        sums[whole] = row if known is None else [a + b for a, b in zip(known, row, strict=True)]
        known_least, known_most = offsets.get(whole, (-1, -1))
        offsets[whole] = (max(least, known_least), max(most, known_most))
    return _frame(family, [(*key, *sums[key], *offsets[key]) for key in sums])


def _frame(family: Family, rows: list[tuple[object, ...]]) -> pl.DataFrame:
    numbers = dict.fromkeys((*family.measures, LEAST_OFFSET, "offset"), pl.Int64())
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
    offsets: dict[Key, tuple[int, int]] = {}
    for key, bins in histograms.items():
        partition, organization, place = key[:3]
        assert isinstance(partition, int)
        assert isinstance(organization, str)
        assert isinstance(place, Place)
        if _is_derived(truth, grain, partition, organization, place):
            whole = (partition, organization, *placed(truth.calendars, grain, organization, place), *key[3:])
            offsets[whole] = rewritten.offsets(grain, partition, organization, place, -1)
            for number, count in bins.items():
                merged[whole][number] += count
    rows = [
        (*key, "[" + ",".join(f"({number},{count})" for number, count in sorted(bins.items())) + "]", *offsets[key])
        for key, bins in merged.items()
    ]
    texts = dict.fromkeys(("provider", "model", "metric", "bins"), pl.String())
    return pl.DataFrame(
        rows, schema={**_key_schema(), **texts, LEAST_OFFSET: pl.Int64(), "offset": pl.Int64()}, orient="row"
    )


VIEWS: dict[str, tuple[str, Callable[[Place], str]]] = {
    "usage_daily": ("toString(day)", lambda place: str(place.day)),
    "usage_weekly": ("toString(week)", lambda place: str(place.week)),
    "usage_hourly": ("toString(toUnixTimestamp(bucket))", lambda place: str(place.hour)),
}
"""Views over all periods, also open ones: what tells periods apart in SQL and here."""


def _compare_views(client: Client, truth: Truth, found: Found) -> None:
    for view, (column, period_of) in VIEWS.items():
        expected: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        emptied = [(one.event.organization, period_of(one.place)) for one in truth.history.former]
        for one in truth.accepted:
            row, told = expected[one.event.organization, period_of(one.place)], one.measures()
            row[0] += 1
            row[1] += told["total_input_tokens"] + told["total_output_tokens"]
            row[2] += told["cost_nano_usd"]
        names_told = ", ".join(quoted(name) for name in sorted(truth.organizations))
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
        found.compare(
            view, wanted, have, names[:2], pl.DataFrame(emptied, dict.fromkeys(names[:2], pl.String), orient="row")
        )
