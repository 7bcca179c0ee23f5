"""Prices that are wrong by a unit: found by size, and by what the model cost before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.plausible import against_previous, out_of_bounds
from stream_jobs.pricing.price_row import NO_RATES, PriceRow

CATALOGUE = catalogue_rows()
PRICED = [row for row in CATALOGUE if row.price_usd]
ROW = PriceRow("acme", "tiny", "Tiny", "", "input_mtok", Decimal(2), 1_000_000, 0, "test")


def test_every_price_of_the_catalogue_is_plausible_and_hardly_one_as_the_price_of_a_single_unit() -> None:
    assert not [row for row in PRICED if out_of_bounds(row)]
    by_unit = [replace(row, price_usd=row.price_usd / 10**6) for row in PRICED if row.unit.endswith("_mtok")]
    taken = [row for row in by_unit if not out_of_bounds(row)]
    models = {(row.provider, row.model) for row in by_unit if out_of_bounds(row)}
    assert all((row.provider, row.model) in models for row in taken), "another price of the model is found"


@pytest.mark.parametrize(
    ("unit", "per", "least", "most"),
    [("input_mtok", 10**6, "0.0005", "2000"), ("audio_hours", 3600, "0.0001", "10000"), ("x", 1, "0.00001", "100")],
)
def test_bounds_by_what_is_counted(unit: str, per: int, least: str, most: str) -> None:
    for price in (least, most):
        assert out_of_bounds(replace(ROW, unit=unit, per=per, price_usd=Decimal(price))) is None
    below, above = Decimal(least) * Decimal("0.99"), Decimal(most) * Decimal("1.01")
    assert "is it a price for a single unit?" in (
        out_of_bounds(replace(ROW, unit=unit, per=per, price_usd=below)) or ""
    )
    assert "multiplied once too often?" in (out_of_bounds(replace(ROW, unit=unit, per=per, price_usd=above)) or "")


def test_a_million_times_the_price_is_found_by_what_it_was() -> None:
    for factor in (Decimal(10**6), Decimal(10**3), Decimal("1e-3"), Decimal("1e-6")):
        last = {(r.provider, r.model, r.service_tier, r.unit, r.tier_start): r for r in PRICED}
        slipped = [replace(row, price_usd=row.price_usd * factor) for row in last.values()]
        assert len(against_previous(slipped, PRICED)) == len(slipped)


@pytest.mark.parametrize("price", ["0", "0.01", "900"])
def test_real_changes_pass(price: str) -> None:
    assert against_previous([replace(ROW, price_usd=Decimal(price))], [ROW]) == []


def test_the_last_price_counts_and_the_sentence_says_both() -> None:
    older = replace(ROW, price_usd=Decimal("0.002"), position=0)
    newer = replace(ROW, position=1)
    assert against_previous([ROW], [newer, older]) == []
    assert against_previous([replace(ROW, price_usd=Decimal("0.000002"))], [newer, older]) == [
        "acme/tiny: input_mtok of 0.000002 USD was 2; no price changes 500 times, so correct the unit (if it is meant,"
        " expire the old price first)"
    ]


def test_a_price_is_compared_until_its_model_has_ended() -> None:
    may = datetime(2026, 5, 1, tzinfo=UTC)
    end = replace(ROW, unit=NO_RATES, price_usd=Decimal(0), per=1, position=1, effective_from=may)
    for owner in ("", "zen"):
        wrong = replace(ROW, price_usd=Decimal("0.002"), organization=owner, effective_from=may - timedelta(seconds=1))
        later = replace(wrong, effective_from=may)
        assert len(against_previous([wrong, later], [], [ROW, end])) == 1
        assert len(against_previous([wrong, later], [], (), lambda *_: [ROW, end])) == 1


def test_other_models_tiers_and_organizations_are_no_predecessors() -> None:
    wrong = replace(ROW, price_usd=Decimal("0.000002"))
    for other in ({"model": "big"}, {"tier_start": 5}, {"organization": "x"}, {"service_tier": "batch"}):
        assert against_previous([wrong], [replace(ROW, **other)]) == []
