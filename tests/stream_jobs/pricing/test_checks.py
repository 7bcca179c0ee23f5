"""Rows that cannot be right: each alone and those of a model together, with their places."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.checks import PlacedRow, problems_of
from stream_jobs.pricing.model_checks import model_problems
from stream_jobs.pricing.price_row import ALWAYS, FREE, LAST, NO_RATES, PriceRow
from stream_jobs.pricing.shared_prices import SharedPrices

ROW = PriceRow("acme", "tiny", "Tiny", "", "input_mtok", Decimal(1), 1_000_000, 0, "test")
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)
ABOVE: Any = {"tier_start": 5}
BATCH: Any = {"service_tier": "batch"}
ACME: Any = {"organization": "acme"}
NIGHT: Any = {"daily_from": "22:00:00", "daily_to": "04:00:00"}


def _problems(*changes: dict[str, Any]) -> list[str]:
    placed = [
        PlacedRow(f"row {number}", replace(ROW, position=number, **change)) for number, change in enumerate(changes)
    ]
    return problems_of(placed)


def test_the_bundled_catalogue_has_no_problem() -> None:
    assert problems_of([PlacedRow(f"{row.provider}/{row.model}", row) for row in catalogue_rows()]) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"price_usd": Decimal("Infinity")}, "row 0: input_mtok is Infinity; write a number of USD"),
        ({"price_usd": Decimal(-1)}, "row 0: input_mtok is -1 USD; a price is 0 or more"),
        ({"price_usd": Decimal("NaN")}, "row 0: input_mtok is NaN; write a number of USD"),
        ({"price_usd": Decimal("-Infinity")}, "row 0: input_mtok is -Infinity; write a number of USD"),
        ({"price_usd": Decimal(10**7)}, "row 0: input_mtok is 10000000 USD; it must be below 10,000,000"),
        ({"price_usd": Decimal("1.1234567890123456789")}, "row 0: input_mtok is 1.1234567890123456789 USD; round it"),
        ({"price_usd": Decimal("2.5E-6")}, "row 0: input_mtok of 0.0000025 USD is below 0.0005 for 1,000,000 units"),
        ({"unit": "input_mtoks"}, "row 0: there is no unit 'input_mtoks'; did you mean input_mtok?"),
        ({"per": 1000}, "row 0: input_mtok is for 1,000 units; give its price for 1,000,000"),
        ({"provider": ""}, "row 0: it names no provider"),
        ({"model": ""}, "row 0: input_mtok has a price but no model"),
        ({"tier_start": -5}, "row 0: a tier from -5 tokens"),
        ({"tier_start": 10**20}, "row 0: a tier from 100000000000000000000 tokens; a tier starts at 0 or more, and at"),
        ({"effective_from": LAST}, "row 0: it holds from 2106-01-01 on; prices begin from 1970 to 2105"),
        ({"effective_from": ALWAYS - timedelta(seconds=1)}, "row 0: it holds from 1969-12-31 on"),
        ({"unit": FREE, "per": 1}, "row 0: free with a price of 1 USD; leave the price out, or name its unit"),
        ({"unit": FREE, "price_usd": Decimal(0), "per": 10**20}, "row 0: free for 100000000000000000000 units"),
        ({"unit": NO_RATES, "price_usd": Decimal("NaN")}, "row 0: none with a price of NaN USD"),
        ({"service_tier": "slow"}, "row 0: service tier 'slow'; write batch, flex, priority, fast, or nothing"),
        ({"match": '{"model": {"sounds_like": "x"}}'}, "row 0: matching rule {'sounds_like': 'x'} is not one of"),
        ({"match": "gpt-4"}, "row 0: matching rule 'gpt-4' is not JSON such as"),
        ({"match": '{"model": null}'}, "row 0: matching rule None is not one of equals, starts_with"),
        ({"match": "[" * 6000}, "row 0: matching rule of objects that lie in one another too deeply; write it flat"),
        ({"model": "a\x00b"}, r"row 0: model 'a\x00b' has a control character or half of a character; take it out"),
        ({"model": "a\ud800"}, r"row 0: model 'a\ud800' has a control character or half of a character; take it out"),
        ({"provider": "a\n"}, r"row 0: provider 'a\n' has a control character or half of a character; take it out"),
        ({"display_name": "\udc00"}, r"row 0: display_name '\udc00' has half of a character; write it whole, or"),
        ({"daily_from": "10:00:00"}, "row 0: a daily window with one end"),
        ({"daily_from": "08:00:00+05:00", "daily_to": "10:00:00"}, "row 0: '08:00:00+05:00' is no time of day"),
        ({"daily_from": "08:00", "daily_to": "10:00:00"}, "row 0: '08:00' is no time of day; write HH:MM:SS in UTC"),
        ({"daily_from": "25:00", "daily_to": "26:00"}, "row 0: '25:00' is no time of day"),
        (
            {"daily_from": "10:00:00", "daily_to": "10:00:00"},
            "row 0: a daily window from 10:00:00 to 10:00:00 is empty",
        ),
    ],
)
def test_a_row_by_itself(change: dict[str, Any], problem: str) -> None:
    (found,) = _problems(change)
    assert found.startswith(problem)


def test_a_provider_may_lack_a_rule_but_has_no_wrong_one() -> None:
    rules = {"model": "", "unit": NO_RATES, "price_usd": Decimal(0), "per": 1}
    assert _problems(rules | {"match": '{"provider": null, "model": {"contains": "x"}}'}, {}) == []
    (found,) = _problems(rules | {"match": '{"provider": 5}'})
    assert found.startswith("row 0: matching rule 5 is not one of equals")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (({}, {"price_usd": Decimal(2)}), "row 1: a second price of acme/tiny input_mtok from the beginning, first at"),
        (
            ({"effective_from": MAY}, {"effective_from": APRIL}),
            "row 1: the price from 2026-04-01 stands after the one from 2026-05-01 (row 0) and would hide it",
        ),
        (
            ({}, NIGHT | {"effective_from": MAY}, NIGHT | {"effective_from": APRIL}),
            "row 2: the price from 2026-04-01 stands after the one from 2026-05-01 (row 1) and would hide it",
        ),
        (
            ({}, {"unit": "cache_read_mtok"}, {"unit": "input_audio_mtok"}),
            "row 0: cache_read_mtok and input_audio_mtok have prices; add one for the usage that is both",
        ),
        (
            ({}, {"unit": "cache_read_mtok"}, {"unit": "input_audio_mtok"}, {"unit": "cache_audio_read_mtok", **ABOVE}),
            "row 0: cache_read_mtok and input_audio_mtok have prices; add one for the usage that is both",
        ),
        (
            ({}, ABOVE, {"tier_start": 9, "marginal": True}),
            "row 2: input_mtok has a marginal tier above 9; give it one price from the first unit on (tier_start 0)",
        ),
        (
            ({}, BATCH, BATCH | ABOVE, BATCH | {"tier_start": 9, "marginal": True}),
            "row 3: input_mtok has a marginal tier above 9; give it one price from the first unit on",
        ),
        (
            ({}, BATCH | {"unit": "cache_read_mtok"}, BATCH | {"unit": "input_audio_mtok"}),
            "row 1: cache_read_mtok and input_audio_mtok have prices; add one for the usage that is both",
        ),
        (
            ({}, {"unit": "cache_read_mtok"}, BATCH | {"unit": "input_audio_mtok"}),
            "row 2: cache_read_mtok and input_audio_mtok have prices; add one for the usage that is both",
        ),
        (
            ({}, {"unit": FREE, "price_usd": Decimal(0)}),
            "row 1: acme/tiny free stands beside other prices of the same time",
        ),
        (
            ({}, {"unit": NO_RATES, "price_usd": Decimal(0)}),
            "row 1: acme/tiny without rates stands beside other prices of the same time",
        ),
        (
            (
                {},
                {"daily_from": "22:00:00", "daily_to": "04:00:00"},
                {"daily_from": "03:00:00", "daily_to": "05:00:00"},
            ),
            "row 2: two daily windows of this model overlap, this one and that of row 1; give each hour",
        ),
        (
            (
                {},
                {"daily_from": "16:30:00", "daily_to": "00:30:00"},
                {"daily_from": "20:00:00", "daily_to": "02:00:00", "effective_from": MAY},
            ),
            "row 2: two daily windows of this model overlap, this one and that of row 1",
        ),
        (
            (
                {"daily_from": "08:00:00", "daily_to": "16:00:00", "effective_from": MAY},
                {"daily_from": "08:00:00", "daily_to": "16:00:00", "effective_from": MAY, "unit": "output_mtok"},
                {"effective_from": APRIL},
                {"effective_from": APRIL, "unit": "output_mtok"},
            ),
            "row 0: the daily window stands above the price for the whole day from 2026-04-01 (row 2), which would",
        ),
    ],
)
def test_rows_of_a_model_together(changes: tuple[dict[str, Any], ...], problem: str) -> None:
    (found,) = _problems(*changes)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            ({}, {"unit": "output_mtok", "tier_start": 5}),
            "row 1: output_mtok has a price only above 5 tokens; add one without a tier",
        ),
        (
            ({}, {"unit": "cache_read_mtok", "marginal": True, **ABOVE}),
            "row 1: cache_read_mtok has a marginal tier above 5; give it one price from the first unit on",
        ),
        (({}, BATCH | ABOVE), "row 1: input_mtok has a price only above 5 tokens; add one without a tier"),
        (
            ({}, BATCH | ABOVE, {"effective_from": MAY, "price_usd": Decimal(2)}),
            "row 1: input_mtok has a price only above 5 tokens; add one without a tier",
        ),
        (
            (BATCH | ABOVE | ACME,),
            "row 0: input_mtok has a price only above 5 tokens; add one without a tier",
        ),
        (
            ({"daily_from": "00:00:00", "daily_to": "12:00:00"}, {"daily_from": "13:00:00", "daily_to": "00:00:00"}),
            "row 0: the daily windows leave hours without a price",
        ),
        (
            ({"effective_from": MAY}, {"daily_from": "00:00:00", "daily_to": "12:00:00"}),
            "row 1: the daily windows leave hours without a price",
        ),
    ],
)
def test_hours_and_contexts_without_a_price_are_a_problem_where_nothing_is_under_the_rows(
    changes: tuple[dict[str, Any], ...], problem: str
) -> None:
    """A list alone may leave them: what it is laid over may have a price for them."""
    assert _problems(*changes) == []
    placed = [(f"row {number}", replace(ROW, position=number, **change)) for number, change in enumerate(changes)]
    ((place, found),) = model_problems(placed, ())
    assert f"{place}: {found}".startswith(problem)


@pytest.mark.parametrize(
    "changes",
    [
        ({"effective_from": APRIL}, {"effective_from": MAY}),
        ({"daily_from": "12:00:00", "daily_to": "00:00:00"}, {"daily_from": "00:00:00", "daily_to": "12:00:00"}),
        ({}, {"daily_from": "22:00:00", "daily_to": "03:00:00"}, {"daily_from": "03:00:00", "daily_to": "05:00:00"}),
        (
            {},
            {"daily_from": "22:00:00", "daily_to": "04:00:00"},
            {"effective_from": MAY},
            {"daily_from": "03:00:00", "daily_to": "05:00:00", "effective_from": MAY},
        ),
        (
            {},
            {"daily_from": "22:00:00", "daily_to": "04:00:00"},
            {"daily_from": "22:00:00", "daily_to": "04:00:00", "effective_from": MAY},
        ),
        ({}, {"tier_start": 5}, {"unit": "cache_read_mtok", "tier_start": 5}),
        ({}, {"organization": "acme"}, {"service_tier": "batch"}),
        ({"service_tier": "batch", "daily_from": "01:00:00", "daily_to": "02:00:00"}, {}),
        ({}, BATCH, BATCH | ABOVE, BATCH | {"unit": "cache_read_mtok", **ABOVE}),
        ({}, BATCH | {"unit": "cache_read_mtok", **ABOVE}),
        (BATCH | ACME | {"unit": "cache_read_mtok", **ABOVE}, BATCH | ACME | {"unit": "input_audio_mtok"}),
        ({}, BATCH, BATCH | ABOVE | {"marginal": True}),
        ({}, {"unit": NO_RATES, "price_usd": Decimal(0), "effective_from": MAY}),
    ],
)
def test_rows_that_fit(changes: tuple[dict[str, Any], ...]) -> None:
    assert _problems(*changes) == []


_CHANGES = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["input_mtok", "cache_read_mtok", "input_audio_mtok", "cache_audio_read_mtok"]),
        "tier_start": st.sampled_from([0, 0, 5, 9]),
        "marginal": st.booleans(),
        "service_tier": st.sampled_from(["", "", "batch"]),
        "effective_from": st.sampled_from([ALWAYS, ALWAYS, MAY]),
    }
)


@given(st.lists(_CHANGES, min_size=1, max_size=8))
def test_what_passes_the_checks_compiles(changes: list[dict[str, Any]]) -> None:
    """So that no list is refused without the place of what is wrong."""
    rows = [replace(ROW, position=position, **change) for position, change in enumerate(changes)]
    if not list(model_problems([(f"row {row.position}", row) for row in rows], ())):
        SharedPrices(1, rows)
