"""Superset's answers equal what was stored, to the last digit, also where ClickHouse reads aliases in WHERE."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.browser.site import Site, axis
from tests.browser.traffic import POSITION, Call, calls

pytestmark = pytest.mark.browser
CALLS = calls()
FROM, TO = date(2026, 10, 15), date(2026, 11, 10)
MIDDLE = f"{FROM} : {TO}"
"""From the middle of a month, where the truncated value lies before the filter."""
TRUNCATED: dict[str, Callable[[date], date]] = {
    "P1D": lambda day: day,
    "P1W": lambda day: day - timedelta(days=day.weekday()),
    "P1M": lambda day: day.replace(day=1),
}
DAYS: dict[str, Callable[[Call], date]] = {
    "usage_daily": lambda call: call.day,
    "usage_hourly": lambda call: call.hour.date(),
    "usage_events": lambda call: call.time.date(),
}
AXES = [
    *(("usage_daily", "date"), ("usage_daily", "day")),
    *(("usage_hourly", "hour"), ("usage_hourly", "bucket")),
    *(("usage_events", "event_time"), ("usage_events", "time")),
]
"""The calculated column that charts use, and the view's own, which only the changed aliases protect."""


def milliseconds(day: date) -> int:
    """How Superset writes a date."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def test_the_engine_reads_aliases_in_where(site: Site) -> None:
    """Why aliases are changed: should this fail one day, the engine no longer loses the first month."""
    query = "SELECT toStartOfMonth(day) AS day, sum(requests) FROM usage_daily WHERE day >= '2026-10-15' GROUP BY day"
    assert [row[0] for row in site.sql(query)] == [date(2026, 11, 1)]


@pytest.mark.parametrize("grain", TRUNCATED)
@pytest.mark.parametrize(("dataset", "column"), AXES)
def test_no_period_is_lost_or_shifted(site: Site, dataset: str, column: str, grain: str) -> None:
    expected: dict[int, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for call in CALLS:
        day = DAYS[dataset](call)
        if FROM <= day < TO:
            requests, cost = expected[milliseconds(TRUNCATED[grain](day))]
            expected[milliseconds(TRUNCATED[grain](day))] = (requests + 1, cost + call.cost_usd)
    answer = site.ask(
        dataset,
        columns=[axis(column, grain)],
        metrics=["requests_total", "cost_usd_total"],
        filters=[{"col": column, "op": "TEMPORAL_RANGE", "val": MIDDLE}],
        row_limit=50_000,
    )
    assert {int(row[column]): (row["requests_total"], row["cost_usd_total"]) for row in answer} == expected


@pytest.fixture
def last_moment(site: Site) -> Iterator[str]:
    """An organisation with one call in the last second of a day, in a part of its own."""
    organization = "last-moment"
    time = datetime(TO.year, TO.month, TO.day, tzinfo=UTC) - timedelta(milliseconds=300)
    row = (uuid.UUID(int=2**64), time, organization, time.date(), "priced", time, 0, 10**6, 0)
    columns = ["event_id", "time", "organization", "day", *POSITION]
    site.warehouse.insert("usage_raw", [row], column_names=columns)
    yield organization
    site.warehouse.command(f"DELETE FROM usage_raw WHERE organization = '{organization}'")


@pytest.mark.parametrize("column", ["event_time", "time"])
def test_a_call_in_the_last_second_of_a_span_is_counted(site: Site, last_moment: str, column: str) -> None:
    """Superset writes the end of a span as a DateTime, which makes the engine pass such a part over."""
    bound = f"SELECT count() FROM usage_events WHERE organization = '{last_moment}' AND time < "
    assert site.sql(f"{bound} toDateTime('{TO} 00:00:00', 'UTC')") == [(0,)], "the engine is mended"
    (row,) = site.ask(
        "usage_events",
        metrics=["requests_total"],
        filters=[
            {"col": column, "op": "TEMPORAL_RANGE", "val": MIDDLE},
            {"col": "organization", "op": "IN", "val": [last_moment]},
        ],
    )
    assert row["requests_total"] == 1


def test_hours_are_those_of_the_organisation(site: Site) -> None:
    answer = site.ask(
        "usage_hourly",
        columns=["hour"],
        metrics=["requests_total"],
        filters=[{"col": "date", "op": "TEMPORAL_RANGE", "val": MIDDLE}],
        row_limit=50_000,
    )
    expected: dict[int, int] = defaultdict(int)
    for call in CALLS:
        if FROM <= call.day < TO:
            expected[int(call.hour.timestamp() * 1000)] += 1
    assert {int(row["hour"]): row["requests_total"] for row in answer} == expected


@pytest.mark.parametrize("dataset", DAYS)
def test_every_metric_of_a_dataset_answers(site: Site, dataset: str) -> None:
    ids = site.ids("dataset", "table_name")
    described = site.rest.get(f"/api/v1/dataset/{ids[dataset]}").raise_for_status().json()["result"]
    metrics = [metric["metric_name"] for metric in described["metrics"]]
    (row,) = site.ask(dataset, metrics=metrics)
    assert row["requests_total"] == len(CALLS)
    assert row["errors_total"] == sum(call.status != "success" for call in CALLS)
    assert row["input_tokens_total"] == sum(call.input_tokens for call in CALLS)
    assert row["output_tokens_total"] == sum(call.output_tokens for call in CALLS)
    assert row["credits_total"] == Decimal(sum(call.credits_micro for call in CALLS)).scaleb(-6)
    assert row["cost_usd_total"] == Decimal(sum(call.cost_nano_usd for call in CALLS)).scaleb(-9)
    assert row["users_count"] == len({(call.organization, call.user_id) for call in CALLS if call.user_id})


@pytest.mark.parametrize(("column", "values"), [("organization", {"acme"}), ("model", {"gpt-4o", "gpt-4o-mini"})])
def test_filters_select_exactly(site: Site, column: str, values: set[str]) -> None:
    (row,) = site.ask(
        "usage_daily", metrics=["cost_usd_total"], filters=[{"col": column, "op": "IN", "val": sorted(values)}]
    )
    assert row["cost_usd_total"] == sum(call.cost_usd for call in CALLS if getattr(call, column) in values)
