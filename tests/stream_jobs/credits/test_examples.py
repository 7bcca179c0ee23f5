"""The example figures of two products whose users we serve come out exactly, from calls to credits and cost.

Team credits: multipliers, credits by model and by user, tiers of a month. Its figures contradict each other in places;
these were left out:
- users: 1,250 + 980 + 720 + 650 are 3,600 prompts, not the printed 4,600; so the average is 1.7, not 1.3;
- the March report: pack credits of 2,847 beside 12,847 of 15,000 plan credits used (nothing was left for a pack); an
  average of 1.85 credits per prompt (with these tiers at most 1.66 is possible); 12 % economy (11.497 %);
- the timeline: its four weeks are 10,400 credits, the models of the same 30 days 10,390.
llms.py: cost = input tokens / 1,000,000 x input price + output tokens / 1,000,000 x output price.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.additions import multiplier_rows, shipped_additions
from stream_jobs.credits import MultiplierTable, tier_of
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.catalogue import catalogue_rows

from .conftest import PricedFrame

CREDIT = 10**6
GPT_4O, TURBO, GPT_35 = ("openai", "gpt-4o"), ("openai", "gpt-4-turbo"), ("openai", "gpt-3.5-turbo")
CLAUDE_37, CLAUDE_35 = ("anthropic", "claude-3-7-sonnet-latest"), ("anthropic", "claude-3-5-sonnet-latest")
HAIKU, LLAMA, DEEPSEEK = (
    ("anthropic", "claude-3-haiku-20240307"),
    ("groq", "llama-3.3-70b-versatile"),
    ("deepseek", "deepseek-chat"),
)

BY_MODEL = [
    (GPT_4O, 2450, 4900),
    (TURBO, 1200, 1200),
    (GPT_35, 800, 240),
    (CLAUDE_37, 1100, 2750),
    (CLAUDE_35, 600, 600),
    (HAIKU, 300, 150),
    (LLAMA, 400, 400),
    (DEEPSEEK, 150, 150),
]
BY_USER = {
    # What each user asked is not printed but follows, with the top model first: prompts and credits are two equations.
    "sarah": ([(GPT_4O, 950), (CLAUDE_37, 300)], 1250, 2650, "2.1"),
    "mike": ([(CLAUDE_37, 800), (TURBO, 180)], 980, 2180, "2.2"),
    "anna": ([(TURBO, 720)], 720, 720, "1.0"),
    "tom": ([(LLAMA, 580), (HAIKU, 70)], 650, 615, "0.9"),
}
MULTIPLIERS = MultiplierTable.from_rows(multiplier_rows(shipped_additions()), revision=1)


@pytest.fixture(scope="module")
def catalogue() -> PriceBook:
    return PriceBook.from_rows(catalogue_rows(), revision=1)


def _calls(build: PricedFrame, calls: Sequence[tuple[tuple[str, str], int]]) -> pl.DataFrame:
    """Calls that are not priced yet."""
    rows = [{"provider": provider, "model": model} for (provider, model), prompts in calls for _ in range(prompts)]
    return (
        build(rows).drop("cost_nano_usd", "priced_as").with_columns(reported_cost_nano_usd=pl.lit(None, dtype=pl.Int64))
    )


def test_credits_by_model(priced_frame: PricedFrame, catalogue: PriceBook) -> None:
    calls = _calls(priced_frame, [(model, prompts) for model, prompts, _ in BY_MODEL])
    counted = MULTIPLIERS.credit(catalogue.price(calls))
    sums = dict(counted.group_by("model").agg(pl.col("credits_micro").sum()).iter_rows())
    assert sums == {model: credits * CREDIT for (_, model), _, credits in BY_MODEL}
    assert sum(sums.values()) == 10_390 * CREDIT


def test_credits_by_user_and_of_the_team(priced_frame: PricedFrame, catalogue: PriceBook) -> None:
    team = []
    for calls, prompts, credits, average in BY_USER.values():
        counted = MULTIPLIERS.credit(catalogue.price(_calls(priced_frame, calls)))["credits_micro"]
        assert (len(counted), counted.sum()) == (prompts, credits * CREDIT)
        assert f"{counted.sum() / CREDIT / prompts:.1f}" == average
        team += counted.to_list()
    assert (len(team), sum(team)) == (3600, 6165 * CREDIT)


def test_the_tiers_of_a_month(priced_frame: PricedFrame, catalogue: PriceBook) -> None:
    calls = _calls(priced_frame, [(GPT_4O, 4125), (LLAMA, 3120), (HAIKU, 2954)])
    counted = MULTIPLIERS.credit(catalogue.price(calls))["credits_micro"].to_list()
    tiers: Counter[str] = Counter()
    for micro in counted:
        tiers[tier_of(micro // 1000)] += micro
    assert tiers == {"premium": 8250 * CREDIT, "standard": 3120 * CREDIT, "economy": 1477 * CREDIT}
    assert 15_000 * CREDIT - sum(counted) == 2153 * CREDIT


@given(calls=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=20))
def test_the_formula_of_llms_py(priced_frame: PricedFrame, calls: list[tuple[int, int]]) -> None:
    prices = {"input_mtok": Decimal("2.50"), "output_mtok": Decimal("10.00")}
    rows = [
        PriceRow("openai", "gpt-4o", "GPT-4o", "", unit, price, 1_000_000, position, "test")
        for position, (unit, price) in enumerate(prices.items())
    ]
    book = PriceBook.from_rows(rows, revision=1)
    frame = priced_frame(
        [
            {"provider": "openai", "model": "gpt-4o", "input_tokens": given, "output_tokens": made}
            for given, made in calls
        ]
    ).drop("cost_nano_usd", "priced_as")
    priced = book.price(frame.with_columns(reported_cost_nano_usd=pl.lit(None, dtype=pl.Int64)))
    million = Decimal(1_000_000)
    usd = [
        Decimal(given) / million * prices["input_mtok"] + Decimal(made) / million * prices["output_mtok"]
        for given, made in calls
    ]
    assert [Decimal(nano).scaleb(-9) for nano in priced["cost_nano_usd"]] == usd
