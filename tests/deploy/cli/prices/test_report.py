"""Lists, models and differences tell every two prices apart that are not the same."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console
from rich.table import Table

from deploy.cli.prices.report import difference_lines, models_table, rate_text, rows_table
from stream_jobs.configuring.said import Said
from stream_jobs.pricing.editing.difference import difference
from stream_jobs.pricing.editing.price_list import listed_models
from stream_jobs.pricing.editing.rate import read_rate
from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow

ROW = PriceRow("maker", "large", "Large", "", "input_mtok", Decimal(2), 10**6, 0, "hand")
BATCH = replace(ROW, price_usd=Decimal(1), position=1, service_tier="batch")
WHOLE = replace(ROW, price_usd=Decimal(4), position=1, tier_start=200_000)
MARGINAL = replace(WHOLE, marginal=True)
NOW = datetime(2026, 4, 1, tzinfo=UTC)


def lines(table: Table) -> list[list[str]]:
    """The words of each line under the header."""
    text = io.StringIO()
    Console(file=text, width=400, highlight=False, markup=False).print(table)
    return [line.split() for line in text.getvalue().splitlines()[1:]]


def test_a_list_says_how_calls_are_served_and_which_prices_hold_only_above() -> None:
    assert lines(models_table(listed_models([ROW, BATCH], NOW))) == [
        ["all", "maker", "large", "2", "always"],
        ["all", "maker", "large", "batch", "1", "always"],
    ]
    ((*_, others, _since),) = lines(models_table(listed_models([ROW, MARGINAL], NOW)))
    assert others == "input_mtok@+200000=4"


def test_a_list_says_of_each_way_of_being_served_whether_it_is_free() -> None:
    free = replace(BATCH, unit=FREE, price_usd=Decimal(0), per=1)
    assert lines(models_table(listed_models([ROW, free], NOW)))[1] == [
        "all",
        "maker",
        "large",
        "batch",
        "free",
        "always",
    ]


def test_a_model_in_full_tells_them_apart_too() -> None:
    said = [Said(row, "ada", "", NOW) for row in (ROW, BATCH, WHOLE, MARGINAL)]
    standard, batch, whole, marginal = lines(rows_table(said))
    assert standard[:4] == ["all", "always", "input_mtok", "2"]
    assert batch[:5] == ["all", "batch", "always", "input_mtok", "1"]
    assert whole[:4] == ["all", "always", "input_mtok", "200,000"]
    assert marginal[:4] == ["all", "always", "input_mtok", "+200,000"]


@pytest.mark.parametrize("text", ["input_mtok=2.5", "input_mtok@200000=5", "input_mtok@+200000=5"])
def test_a_rate_is_shown_as_it_is_written(text: str) -> None:
    rate = read_rate(text)
    row = replace(ROW, price_usd=rate.price_usd, tier_start=rate.tier_start, marginal=rate.marginal)
    assert rate_text(row) == text


def test_a_service_tier_that_has_ended_costs_what_the_standard_is() -> None:
    end = replace(BATCH, unit=NO_RATES, price_usd=Decimal(0), per=1, effective_from=NOW)
    assert lines(models_table(listed_models([ROW, BATCH, end], NOW))) == [["all", "maker", "large", "2", "always"]]
    _, ended = lines(rows_table(Said(row, "ada", "", NOW) for row in (ROW, end)))
    assert ended[:5] == ["all", "batch", "2026-04-01", "as", "standard"]
    assert difference_lines(difference([ROW, BATCH], [ROW, BATCH, end])) == [
        "maker/large batch input_mtok from 2026-04-01: 1 USD per 1,000,000 → 2 USD per 1,000,000 (+100.00%)",
        "1 prices of 1 models: 0 added, 0 removed, 1 changed; largest change +100.00%"
        " (maker/large batch input_mtok from 2026-04-01)",
    ]


def test_what_ends_or_becomes_free_is_shown_price_by_price() -> None:
    for unit, word in ((NO_RATES, "none"), (FREE, "free")):
        mark = replace(ROW, unit=unit, price_usd=Decimal(0), per=1, effective_from=NOW)
        assert difference_lines(difference([ROW, WHOLE], [ROW, WHOLE, mark])) == [
            f"maker/large input_mtok from 2026-04-01: 2 USD per 1,000,000 → {word}",
            f"maker/large input_mtok above 200,000 from 2026-04-01: 4 USD per 1,000,000 → {word}",
            "2 prices of 1 models: 0 added, 2 removed, 0 changed",
        ]


def test_a_price_that_becomes_marginal_is_no_change_of_0_percent() -> None:
    (line, _) = difference_lines(difference([ROW, WHOLE], [ROW, MARGINAL]))
    assert line == (
        "maker/large input_mtok only above 200,000: 4 USD per 1,000,000 for the whole call →"
        " 4 USD per 1,000,000 only for what is above"
    )
    (line, _) = difference_lines(difference([ROW, BATCH], [ROW, replace(BATCH, price_usd=Decimal(2))]))
    assert line == "maker/large batch input_mtok: 1 USD per 1,000,000 → 2 USD per 1,000,000 (+100.00%)"
