"""Additions applied: multipliers as rows, display names and free marks on the rows of the catalogue."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stream_jobs.additions import (
    AdditionsRefused,
    multiplier_rows,
    with_additions,
    with_fitting,
    with_new_multipliers,
)
from stream_jobs.additions.addition import Addition
from stream_jobs.credits.multiplier_row import ALWAYS, MultiplierRow
from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
PRICED = PriceRow("acme", "big", "big", "", "input_mtok", Decimal(1), 1_000_000, 0, "test")
UNPRICED = PriceRow("acme", "small", "small", "", NO_RATES, Decimal(0), 1, 1, "test")


def _addition(*models: str, **said: object) -> Addition:
    return replace(Addition("acme.yaml, item 1", "acme", models, "Name", ALWAYS), **said)  # type: ignore[arg-type]


def test_multipliers_are_rows_for_each_model_and_for_any() -> None:
    additions = [
        replace(_addition(multiplier_milli=1000), provider=""),
        _addition("big", "small", multiplier_milli=2500, effective_from=MARCH),
        _addition("big", display_name="Big"),
    ]
    assert multiplier_rows(additions) == [
        MultiplierRow("", "", 1000, "additions", "Name"),
        MultiplierRow("acme", "big", 2500, "additions", "Name", MARCH),
        MultiplierRow("acme", "small", 2500, "additions", "Name", MARCH),
    ]


def test_display_names_replace_those_of_the_catalogue() -> None:
    rows = with_additions([PRICED, UNPRICED], [_addition("big", display_name="Big One")])
    assert rows == [replace(PRICED, display_name="Big One"), UNPRICED]


def test_a_free_mark_for_all_time_and_one_from_a_date() -> None:
    (row,) = with_additions([UNPRICED], [_addition("small", free=True)])
    assert (row.unit, row.position, row.source) == (FREE, 0, "additions: acme.yaml, item 1")
    before, after = with_additions([UNPRICED], [_addition("small", free=True, effective_from=MARCH)])
    assert before == replace(UNPRICED, position=0)
    assert (after.unit, after.effective_from, after.position) == (FREE, MARCH, 1)
    PriceBook.from_rows([before, after], revision=1)


def test_every_mark_holds_from_its_date_and_the_last_name_for_all_time() -> None:
    said = [
        _addition("small", free=True),
        _addition("small", free=False, effective_from=MARCH),
        _addition("small", free=True, effective_from=MAY),
        _addition("small", display_name="Small One"),
        _addition("small", display_name="Small Two"),
    ]
    rows = with_additions([UNPRICED, PRICED], said)
    assert [(row.unit, row.effective_from, row.display_name) for row in rows] == [
        (FREE, ALWAYS, "Small Two"),
        (NO_RATES, MARCH, "Small Two"),
        (FREE, MAY, "Small Two"),
        ("input_mtok", ALWAYS, "big"),
    ]
    PriceBook.from_rows(rows, revision=1)


def test_additions_that_are_in_force_change_nothing_and_new_ones_are_added() -> None:
    said = [_addition("small", free=True), _addition("big", display_name="Big One")]
    rows = with_additions([PRICED, UNPRICED], said)
    assert with_fitting(rows, said) == rows
    ended = with_fitting(rows, [*said, _addition("small", free=False, effective_from=MAY)])
    assert ended == [*rows, replace(rows[-1], unit=NO_RATES, effective_from=MAY, position=2)]


def test_what_does_not_fit_a_list_is_left_out_of_it() -> None:
    said = [_addition("small", free=True), _addition("huge", display_name="Huge"), _addition("big", free=True)]
    assert with_fitting([PRICED], said) == [PRICED]


def test_multipliers_that_somebody_changed_stay() -> None:
    said = [_addition("big", multiplier_milli=2500), _addition("small", multiplier_milli=500, effective_from=MARCH)]
    (big, small) = multiplier_rows(said)
    ours = replace(big, multiplier_milli=3000, source="hand")
    assert with_new_multipliers([ours], said) == [ours, small]
    assert with_new_multipliers([ours, small], said) == [ours, small]


@pytest.mark.parametrize(
    ("addition", "problem"),
    [
        (_addition("huge", display_name="Huge"), "the catalogue has no model 'huge' of acme"),
        (_addition("big", free=True), "acme/big has prices; a free mark would contradict them"),
    ],
)
def test_what_contradicts_the_catalogue(addition: Addition, problem: str) -> None:
    with pytest.raises(AdditionsRefused, match=problem):
        with_additions([PRICED, UNPRICED], [addition])
