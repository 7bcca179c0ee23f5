"""What is billed: by billing type, plan and markup, exact."""

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.credits import Terms, TermsRow, TermsTable, billed
from stream_jobs.credits.terms import MAX_MARKUP_PPM

from .conftest import PricedFrame


def _billed(frame: pl.DataFrame, **markup_ppm: int) -> pl.DataFrame:
    terms = TermsTable(TermsRow(name, Terms(markup_ppm=ppm)) for name, ppm in markup_ppm.items())
    return billed(frame, terms.located(frame))


def test_system_usage_is_billed_and_own_keys_and_free_plans_are_not(priced_frame: PricedFrame) -> None:
    cost: dict[str, object] = {"cost_nano_usd": 1000}
    events = [
        cost,
        cost | {"billing_type": "BYOK"},
        cost | {"plan": "FREE"},
        cost | {"plan": "free"},
        cost | {"plan": ""},
        cost | {"plan": "FREEDOM"},
    ]
    out = _billed(priced_frame(events))
    assert out["billed_nano_usd"].to_list() == [1000, 0, 0, 0, 1000, 1000]
    assert out["cost_nano_usd"].to_list() == [1000] * 6


@pytest.mark.parametrize(("cost", "amount"), [(1, 2), (2, 3), (3, 4), (5, 8), (7, 10), (10**15, 15 * 10**14)])
def test_a_markup_is_rounded_half_to_even(priced_frame: PricedFrame, cost: int, amount: int) -> None:
    out = _billed(priced_frame([{"cost_nano_usd": cost}]), acme=500_000)
    assert out["billed_nano_usd"].to_list() == [amount]


def test_a_markup_is_the_organizations_own(priced_frame: PricedFrame) -> None:
    events = [{"organization": name, "cost_nano_usd": 1000} for name in ("acme", "zeta", "none")]
    assert _billed(priced_frame(events), acme=200_000, zeta=0)["billed_nano_usd"].to_list() == [1200, 1000, 1000]


@given(cost=st.integers(0, 10**15), ppm=st.integers(0, MAX_MARKUP_PPM))
def test_the_amount_is_exact_for_every_cost_and_markup(priced_frame: PricedFrame, cost: int, ppm: int) -> None:
    amount = _billed(priced_frame([{"cost_nano_usd": cost}]), acme=ppm)["billed_nano_usd"][0]
    assert amount == round(Fraction(cost * (1_000_000 + ppm), 1_000_000))
