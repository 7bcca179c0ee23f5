"""Credits of whole frames: by model, by date, by organization."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.additions import multiplier_rows, shipped_additions
from stream_jobs.credits import MultiplierRow, MultiplierTable

from .conftest import PricedFrame

CREDIT = 1_000_000
SHIPPED = MultiplierTable.from_rows(multiplier_rows(shipped_additions()), revision=1)


def _row(provider: str, model: str, milli: int, **fields: Any) -> MultiplierRow:
    return MultiplierRow(provider, model, milli, "test", **fields)


def _credits(table: MultiplierTable, frame: PricedFrame, *events: Mapping[str, Any]) -> list[int]:
    return table.credit(frame(events))["credits_micro"].to_list()


@pytest.mark.parametrize(
    ("priced_as", "prompts", "total"),
    [
        ("openai/gpt-4o", 2450, 4900),
        ("openai/gpt-4-turbo", 1200, 1200),
        ("openai/gpt-3.5-turbo", 800, 240),
        ("anthropic/claude-3-7-sonnet-latest", 1100, 2750),
        ("anthropic/claude-3-5-sonnet", 600, 600),
        ("anthropic/claude-3-haiku", 300, 150),
        ("groq/llama-3.3-70b-versatile", 400, 400),
        ("deepseek/deepseek-chat", 150, 150),
        ("mistral/mistral-large", 7, 7),
        ("", 7, 7),
    ],
)
def test_credits_per_model_are_prompts_times_the_multiplier(
    priced_frame: PricedFrame, priced_as: str, prompts: int, total: int
) -> None:
    assert sum(_credits(SHIPPED, priced_frame, *[{"priced_as": priced_as}] * prompts)) == total * CREDIT


def test_the_frame_keeps_its_rows_and_columns(priced_frame: PricedFrame) -> None:
    frame = priced_frame([{"priced_as": name} for name in ("openai/gpt-4o", "", "anthropic/claude-3-haiku")])
    credited = SHIPPED.credit(frame)
    assert credited.drop("credits_micro").equals(frame)
    assert credited["credits_micro"].to_list() == [2_000_000, 1_000_000, 500_000]
    assert credited["credits_micro"].dtype == pl.Int64
    assert SHIPPED.credit(frame.clear()).is_empty()


def test_a_request_counts_when_it_used_something(priced_frame: PricedFrame) -> None:
    gpt_4o: dict[str, Any] = {"priced_as": "openai/gpt-4o"}
    nothing = gpt_4o | {"input_tokens": 0}
    events = [
        gpt_4o | {"status": "error"},
        gpt_4o | {"status": "cancelled"},
        nothing,
        nothing | {"status": "error"},
        nothing | {"output_video_tokens": 1},
        nothing | {"quantities": '{"requests":1}'},
        nothing | {"quantities": '{"web_searches":0}'},
    ]
    assert _credits(SHIPPED, priced_frame, *events) == [2 * CREDIT, 2 * CREDIT, 0, 0, 2 * CREDIT, 2 * CREDIT, 0]


def test_the_most_specific_multiplier_holds(priced_frame: PricedFrame) -> None:
    table = MultiplierTable.from_rows(
        [
            _row("", "", 1100),
            _row("", "large", 2000),
            _row("maker", "large", 3000),
            _row("", "written-so", 4000),
            _row("maker", "large", 5000, organization="zeta"),
            _row("", "", 6000, organization="zeta"),
        ],
        revision=1,
    )
    events = [
        {"priced_as": "maker/large"},
        {"priced_as": "seller/large"},
        {"provider": "Maker", "model": " LARGE "},
        {"priced_as": "maker/other", "model": "Written-So"},
        {"priced_as": "maker/other"},
        {"priced_as": "maker/large", "organization": "zeta"},
        {"priced_as": "seller/large", "organization": "zeta"},
        {"priced_as": "maker/other", "organization": "zeta"},
    ]
    assert _credits(table, priced_frame, *events) == [
        milli * 1000 for milli in (3000, 2000, 3000, 4000, 1100, 5000, 2000, 6000)
    ]


def test_the_multiplier_is_that_of_the_events_own_time(priced_frame: PricedFrame) -> None:
    """Before a model's first date the next less specific multiplier holds."""
    january, june = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    table = MultiplierTable.from_rows(
        [
            _row("maker", "large", 5000, effective_from=june),
            _row("maker", "large", 3000, effective_from=january),
            _row("", "large", 2000),
        ],
        revision=1,
    )
    instant = timedelta(milliseconds=1)
    times = (january - instant, january, june - instant, june)
    dated: list[dict[str, Any]] = [{"priced_as": "maker/large", "time": time} for time in times]
    events = [*dated, {"priced_as": "other/small", "time": june}]
    assert _credits(table, priced_frame, *events) == [2_000_000, 3_000_000, 3_000_000, 5_000_000, 1_000_000]


def test_without_rows_every_request_is_one_credit(priced_frame: PricedFrame) -> None:
    assert _credits(MultiplierTable.from_rows([], revision=1), priced_frame, {"priced_as": "a/b"}) == [CREDIT]


def test_an_end_gives_back_what_holds_less_specifically(priced_frame: PricedFrame) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    days = [begin + timedelta(days=day) for day in range(4)]
    table = MultiplierTable.from_rows(
        [
            _row("", "large", 3000),
            _row("", "large", 4000, effective_from=days[2]),
            _row("maker", "large", 2000, organization="acme", effective_from=days[0]),
            _row("maker", "large", 0, organization="acme", effective_from=days[1], ended=True),
            _row("maker", "large", 0, organization="acme", effective_from=days[3]),
        ],
        revision=1,
    )
    calls = [{"priced_as": "maker/large", "organization": "acme", "time": day} for day in (*days, days[0])]
    calls[-1]["time"] = days[0] - timedelta(days=1)
    assert _credits(table, priced_frame, *calls) == [2_000_000, 3_000_000, 4_000_000, 0, 3_000_000]


@given(
    names=st.lists(st.sampled_from(["openai/gpt-4o", "anthropic/claude-3-haiku", "", "x/y"]), min_size=1),
    cut=st.integers(0, 9),
)
def test_a_frame_counts_what_its_parts_count(priced_frame: PricedFrame, names: list[str], cut: int) -> None:
    frame = priced_frame([{"priced_as": name} for name in names])
    parts = pl.concat([SHIPPED.credit(frame[:cut]), SHIPPED.credit(frame[cut:])])
    assert SHIPPED.credit(frame).equals(parts)
