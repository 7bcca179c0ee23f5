"""What one event adds to its rows, measure by measure."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.rollups.measures import bucket, with_measures
from tokentally.tokens import TOKEN_BUCKETS
from warehouse.families import FAMILIES, INPUT_BUCKETS, OUTPUT_BUCKETS

EMPTY: dict[str, Any] = {
    "status": "success",
    **dict.fromkeys(TOKEN_BUCKETS, 0),
    "duration_ms": None,
    "time_to_first_token_ms": None,
    "rating": None,
    "cost_nano_usd": 0,
    "billed_nano_usd": 0,
    "credits_micro": 0,
    "cost_status": "priced",
    "late": 0,
}
TYPES = {"status": pl.String, "cost_status": pl.String, "late": pl.UInt8}
SCHEMA = {name: TYPES.get(name, pl.Int64) for name in EMPTY}
MEASURES = {measure for family in FAMILIES for measure in family.measures}


def added(**event: Any) -> dict[str, int]:
    """The measures of one event that are not zero."""
    row = with_measures(pl.DataFrame([EMPTY | event], schema=SCHEMA)).row(0, named=True)
    return {name: row[name] for name in MEASURES if row[name] != 0}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, {}),
        ({"status": "error"}, {"errors": 1}),
        ({"status": "cancelled"}, {"errors": 1}),
        ({"duration_ms": 40}, {"duration_ms": 40, "timed_requests": 1}),
        ({"duration_ms": 0}, {"timed_requests": 1}),
        ({"time_to_first_token_ms": 7}, {"time_to_first_token_ms": 7, "first_token_requests": 1}),
        ({"time_to_first_token_ms": 0}, {"first_token_requests": 1}),
        ({"rating": 1}, {"rating_sum": 1, "rated_requests": 1}),
        ({"cost_status": "unpriced"}, {"unpriced_requests": 1}),
        ({"cost_status": "partial"}, {"unpriced_requests": 1}),
        ({"cost_status": "free"}, {}),
        ({"cost_status": "reported", "cost_nano_usd": 9}, {"cost_nano_usd": 9}),
        ({"late": 1}, {"late_requests": 1}),
        ({"billed_nano_usd": 3, "credits_micro": 4}, {"billed_nano_usd": 3, "credits_micro": 4}),
    ],
)
def test_an_event_adds_what_it_carries(event: dict[str, Any], expected: dict[str, int]) -> None:
    assert added(**event) == {"requests": 1} | expected


@pytest.mark.parametrize("name", TOKEN_BUCKETS)
def test_every_token_bucket_is_part_of_exactly_one_total(name: str) -> None:
    total = "total_input_tokens" if name in INPUT_BUCKETS else "total_output_tokens"
    assert added(**{name: 10**12}) == {"requests": 1, name: 10**12, total: 10**12}
    assert (name in INPUT_BUCKETS) != (name in OUTPUT_BUCKETS)


def test_all_measures_are_64_bit_integers_without_nulls() -> None:
    frame = with_measures(pl.DataFrame([EMPTY], schema=SCHEMA))
    assert {frame.schema[measure] for measure in MEASURES} == {pl.Int64()}
    assert frame.select(pl.col(sorted(MEASURES)).null_count()).row(0) == (0,) * len(MEASURES)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_bucket_is_the_quarter_hour_that_holds_the_time(naive: datetime) -> None:
    time = naive.replace(tzinfo=UTC, microsecond=naive.microsecond // 1000 * 1000)
    frame = pl.DataFrame({"time": [time]}, schema={"time": pl.Datetime("ms", "UTC")}).with_columns(bucket())
    start = frame["bucket"][0]
    assert frame.schema["bucket"] == pl.UInt32
    assert start % 900 == 0
    assert 0 <= time.timestamp() - start < 900
