"""Terms of one event in plain form: bases, rounding, markup, bounds."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from stream_jobs.credits import Terms, TermsRow
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.pricing.rounding import MAX_INT64

USD = 10**9
CREDIT = 10**6


def _credits(terms: Terms, milli: int = 1000, tokens: int = 10, cost: int = 0, *, used: bool = True) -> int:
    return terms.credits_micro(milli, tokens, cost, used=used)


def test_a_request_costs_its_multiplier_whatever_its_size() -> None:
    assert _credits(Terms(), 2500, 10**9) == 2_500_000
    assert _credits(Terms(), 2500, 0, used=False) == 0


def test_a_usd_is_a_thousand_credits() -> None:
    terms = Terms("cost", Decimal(1000))
    assert _credits(terms, cost=USD) == 1000 * CREDIT
    assert _credits(terms, milli=5000, cost=1_234_567) == 1_234_567


def test_a_burn_table_counts_per_thousand_tokens() -> None:
    terms = Terms("tokens")
    assert _credits(terms, 1000, 1000) == CREDIT
    assert _credits(terms, 300, 1) == 300
    assert _credits(terms, 300, 0) == 0


@pytest.mark.parametrize(("cost", "micro"), [(1, 0), (2, 1), (3, 2), (5, 2), (7, 4)])
def test_micro_credits_of_a_cost_are_rounded_half_to_even(cost: int, micro: int) -> None:
    assert _credits(Terms("cost", Decimal(500)), cost=cost) == micro


def test_up_takes_whole_credits_of_each_event() -> None:
    assert _credits(Terms(rounding="up"), 300) == CREDIT
    assert _credits(Terms(rounding="up"), 2000) == 2 * CREDIT
    assert _credits(Terms(rounding="up"), 0) == 0
    assert _credits(Terms("tokens", rounding="up"), 1000, 1001) == 2 * CREDIT
    # The smallest part above a whole credit counts: not the rounded micro-credits are rounded up, but what is exact.
    assert _credits(Terms("cost", Decimal("1.000000000000000001"), "up"), cost=USD) == 2 * CREDIT
    assert _credits(Terms("cost", Decimal(1), "up"), cost=USD) == CREDIT


def test_what_does_not_fit_is_the_largest() -> None:
    assert _credits(Terms("tokens"), 10**6, 10**13) == MAX_INT64


def test_only_system_usage_outside_the_free_plan_is_billed() -> None:
    terms = Terms(markup_ppm=200_000)
    assert [terms.billed_nano_usd(1000, *who) for who in (("SYSTEM", "PRO"), ("BYOK", "PRO"), ("SYSTEM", "Free"))] == [
        1200,
        0,
        0,
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"basis": "prompt"}, "basis 'prompt': it must be one of request, cost, tokens"),
        ({"rounding": "down"}, "rounding 'down': it must be one of exact, up"),
        ({"basis": "cost"}, "say how many credits a USD is"),
        ({"credits_per_usd": Decimal(-1)}, "credits_per_usd -1: it must be between 0 and 1,000,000"),
        ({"credits_per_usd": Decimal("NaN")}, "credits_per_usd NaN"),
        ({"credits_per_usd": Decimal("Infinity")}, "credits_per_usd Infinity"),
        ({"credits_per_usd": Decimal(1_000_001)}, "credits_per_usd 1000001"),
        ({"credits_per_usd": Decimal("1e-19")}, "at most 18 decimal places"),
        ({"markup_ppm": -1}, "markup of -1 ppm; it must be between 0 and 1000000000"),
        ({"markup_ppm": 1_000_000_001}, "markup of 1000000001 ppm"),
        ({"free_daily_limit": -1}, "free_daily_limit of -1"),
    ],
)
def test_terms_that_cannot_be_are_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(CreditRulesRefused, match=told):
        Terms(**fields)


@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001 - without a zone, as a caller may get it wrong
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime(2106, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    ],
)
def test_terms_begin_at_an_instant_that_the_warehouse_can_keep(start: datetime) -> None:
    with pytest.raises(CreditRulesRefused, match="write an instant in whole seconds"):
        TermsRow("acme", Terms(), start)
