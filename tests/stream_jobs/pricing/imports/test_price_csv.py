"""Our own table: what is written comes back, periods must fit, and every problem has its line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.imports import read_price_list, write_csv
from stream_jobs.pricing.price_row import ALWAYS, NO_RATES, PriceRow
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY

HEADER = "provider,model,unit,price_usd\n"

_WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
_NAMES = st.from_regex(r"[a-z0-9][a-z0-9:/.@-]{0,11}", fullmatch=True)


@st.composite
def _rows(draw: st.DrawFn) -> list[PriceRow]:
    """Rows that pass every check: one sheet for each of a few models, whatever their names and prices."""
    rows: list[PriceRow] = []
    names = draw(st.lists(st.tuples(_NAMES, _NAMES), min_size=1, max_size=5, unique=True))
    for provider, model in names:
        start = ALWAYS + timedelta(seconds=draw(st.integers(0, 2_000_000_000)))
        display_name, source, organization = draw(_WORDS), draw(_WORDS.filter(bool)), draw(_WORDS).strip()
        for unit in draw(st.lists(st.sampled_from(["input_mtok", "output_mtok", "requests_kcount"]), unique=True)):
            digits = draw(st.integers(10**15, 10**20))
            rows.append(
                PriceRow(
                    provider=provider,
                    model=model,
                    display_name=display_name,
                    match='{"model": {"starts_with": "gpt, \\"4\\""}}' if draw(st.booleans()) else "",
                    unit=unit,
                    price_usd=Decimal(digits).scaleb(-18),
                    per=UNITS_BY_PRICE_KEY[unit].per,
                    position=len(rows),
                    source=source,
                    effective_from=start,
                    organization=organization,
                    service_tier=draw(st.sampled_from(["", "batch", "priority", "flex"])),
                    marginal=draw(st.booleans()),
                )
            )
    return rows


@given(_rows().filter(bool))
def test_what_is_written_comes_back_exactly(rows: list[PriceRow]) -> None:
    assert list(read_price_list(write_csv(rows).encode(), "prices.csv").rows) == rows


def test_the_whole_catalogue_comes_back_exactly() -> None:
    rows = catalogue_rows()
    assert list(read_price_list(write_csv(rows).encode(), "prices.csv").rows) == rows


def test_four_columns_are_enough() -> None:
    (row,) = read_price_list(f"{HEADER}acme,tiny,input_mtok,1e-1\n".encode(), "prices.csv").rows
    assert row == PriceRow("acme", "tiny", "tiny", "", "input_mtok", Decimal("0.1"), 1_000_000, 0, "CSV prices.csv")


def test_spaces_around_cells_name_nobody_else() -> None:
    header = "organization,provider,model,unit,price_usd,service_tier,daily_from,daily_to,marginal,match"
    bare = "acme,maker,tiny,input_mtok,1,batch,01:00:00,05:00:00,no,"
    spaced = ",".join(f" {cell} " for cell in bare.split(","))
    found, meant = (read_price_list(f"{header}\n{line}\n".encode(), "prices.csv").rows for line in (spaced, bare))
    assert found == meant
    (free,) = read_price_list(f"{HEADER}acme,tiny,free, \n".encode(), "prices.csv").rows
    assert free.unit == "free"


def test_the_last_end_becomes_a_time_without_rates() -> None:
    text = (
        "provider,model,unit,price_usd,effective_from,effective_to\n"
        "acme,tiny,input_mtok,1,2026-01-01,2026-03-01\n"
        "acme,tiny,input_mtok,2,2026-03-01,2026-06-01T12:00:00+02:00\n"
    )
    first, second, end = read_price_list(text.encode(), "prices.csv").rows
    assert [str(row.price_usd) for row in (first, second)] == ["1", "2"]
    assert end == replace(
        second,
        unit=NO_RATES,
        price_usd=Decimal(0),
        per=1,
        position=2,
        effective_from=datetime(2026, 6, 1, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (
            "2026-02-01,",
            "line 3: overlap: the price of line 2 ends at 2026-03-01 00:00 and this one starts at 2026-02-01",
        ),
        ("2026-04-01,", "line 3: gap: the price of line 2 ends at 2026-03-01 00:00 and this one starts at 2026-04-01"),
        ("2026-01-01,2026-03-01", "line 3: a second price of acme/tiny input_mtok from 2026-01-01, first at line 2"),
        ("2025-01-01,2026-01-01", "line 3: the price from 2025-01-01 stands after the one from 2026-01-01 (line 2)"),
        ("2026-03-01,2026-02-01", "line 3: it ends before it starts"),
    ],
)
def test_periods_that_do_not_fit(refusals: Any, second: str, problem: str) -> None:
    header = "provider,model,unit,price_usd,effective_from,effective_to\n"
    (found,) = refusals(f"{header}acme,tiny,input_mtok,1,2026-01-01,2026-03-01\nacme,tiny,input_mtok,2,{second}\n")
    assert found.startswith(problem)


def test_a_daily_window_does_not_end_by_itself(refusals: Any) -> None:
    """Its hours would be left without a price, while the whole day has one."""
    text = (
        "provider,model,unit,price_usd,daily_from,daily_to,effective_to\n"
        "acme,tiny,input_mtok,2,,,\n"
        "acme,tiny,input_mtok,1,01:00:00,05:00:00,2026-03-01\n"
    )
    (found,) = refusals(text)
    assert found.startswith("line 3: a daily window does not end by itself")


DATED = "provider,model,unit,price_usd,effective_from,daily_from,daily_to\nacme,tiny,input_mtok,1,2026-01-01,,\n"
OUTPUT = "acme,tiny,output_mtok,4,2026-01-01,,\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "2026-02-01,,",
            "line 4: gap: output_mtok has a price (line 3), and none from 2026-02-01 00:00 on; every",
        ),
        (
            "2026-01-01,08:00,16:00",
            "line 4: gap: output_mtok has a price (line 3), and none from 2026-01-01 00:00 on between 08:00:00 and 16",
        ),
    ],
)
def test_a_price_that_is_not_said_again_is_a_gap_unless_it_ends(refusals: Any, line: str, problem: str) -> None:
    text = f"{DATED}{OUTPUT}acme,tiny,input_mtok,2,{line}\n"
    (found,) = refusals(text)
    assert found.startswith(problem)
    ended = read_price_list(f"{text}acme,tiny,output_mtok,none,{line}\n".encode(), "prices.csv")
    assert [(row.unit, row.price_usd) for row in ended.rows][2:] == [("input_mtok", Decimal(2))]
    assert [(end.provider, end.model, end.unit) for end in ended.ended] == [("acme", "tiny", "output_mtok")]
    assert list(read_price_list(write_csv(ended.rows).encode(), "prices.csv").rows) == list(ended.rows)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "acme,tiny,output_mtok,none,2026-02-01,,",
            "line 4: `none` as a price says that one unit of a sheet has",
        ),
        (
            "acme,huge,output_mtok,none,2026-02-01,,",
            "line 4: `none` as a price says that one unit of a sheet has",
        ),
        ("acme,tiny,output_mtok,none,2026-01-01,,", "line 4: output_mtok has a price and `none` for the same time"),
        ("acme,tiny,free,none,2026-02-01,,", "line 4: `none` as a price ends one unit, all of its tiers"),
    ],
)
def test_an_end_of_one_price_stands_beside_those_that_go_on(refusals: Any, line: str, problem: str) -> None:
    (found,) = refusals(f"{DATED}{OUTPUT}{line}\n")
    assert found.startswith(problem)


WINDOWS = "provider,model,unit,price_usd,daily_from,daily_to\n"


def test_a_time_of_day_has_one_spelling(refusals: Any) -> None:
    text = f"{WINDOWS}acme,tiny,input_mtok,5,,\nacme,tiny,input_mtok,2, 08:00,16:00\n"
    _, window = read_price_list(text.encode(), "prices.csv").rows
    assert (window.daily_from, window.daily_to) == ("08:00:00", "16:00:00")
    (found,) = refusals(f"{text}acme,tiny,input_mtok,3,08:00:00,16:00:00\n")
    assert found.startswith("line 4: a second price of acme/tiny input_mtok from the beginning, first at line 3")
    for wrong in ("08:00+05:00", "08:00Z", "08:00:00.5", "soon"):
        (found,) = refusals(f"{WINDOWS}acme,tiny,input_mtok,5,,\nacme,tiny,input_mtok,2,{wrong},16:00\n")
        assert found.startswith(f"line 3: '{wrong}' is no time of day in UTC; write HH:MM:SS, without an offset")


def test_a_window_above_the_price_for_the_whole_day_is_refused(refusals: Any) -> None:
    (found,) = refusals(f"{WINDOWS}acme,tiny,input_mtok,2,08:00,16:00\nacme,tiny,input_mtok,5,,\n")
    assert found.startswith(
        "line 2: the daily window stands above the price for the whole day from the beginning (line"
    )


def test_all_problems_with_their_lines(refusals: Any) -> None:
    text = (
        "provider,model,unit,price_usd,currency,per\n"
        "acme,a,input_mtok,2.5,EUR,\n"
        "acme,b,input_mtok,-1,USD,\n"
        "acme,c,input_mtok,NaN,,\n"
        "acme,d,input_tokens,1,,\n"
        "acme,e,input_mtok,1,,1000\n"
        "acme,f,input_mtok,2500000,,\n"
        "acme,g,input_mtok,,,\n"
        "acme,h,,1,,\n"
        "acme,i,input_mtok,1,,,surplus\n"
        "acme,fine,input_mtok,1,,\n"
    )
    assert [problem.partition(";")[0] for problem in refusals(text)] == [
        "line 2: a price in 'EUR'",
        "line 8: '' is no price",
        "line 9: no unit",
        "line 10: it has more cells than the header",
        "line 3: input_mtok is -1 USD",
        "line 4: input_mtok is NaN",
        "line 5: there is no unit 'input_tokens'",
        "line 6: input_mtok is for 1,000 units",
        "line 7: input_mtok of 2500000 USD is above 2000 for 1,000,000 units, more than anything costs",
    ]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("100000000000000000000,,", "line 2: a tier from 100000000000000000000 tokens"),
        ("1e30,,", "line 2: a tier from 1000000000000000000000000000000 tokens"),
        ("1e400,,", "line 2, tier_start: '1e400' is no whole number"),
        ("0.5,,", "line 2, tier_start: '0.5' is no whole number"),
        (",2200-01-01,", "line 2: it holds from 2200-01-01 on; prices begin from 1970 to 2105"),
        (",2026-01-01,2200-01-01", "line 2: it holds from 2200-01-01 on"),
        (",9999-12-31T23:00:00-05:00,", "line 2: '9999-12-31T23:00:00-05:00' is no date"),
    ],
)
def test_numbers_and_dates_beyond_all_bounds_are_refused_with_their_line(
    refusals: Any, cells: str, problem: str
) -> None:
    header = "provider,model,unit,price_usd,tier_start,effective_from,effective_to\n"
    (found,) = refusals(f"{header}acme,tiny,input_mtok,1,{cells}\n")
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("provider,model,unit\nacme,a,input_mtok\n", "line 1: the column 'price_usd' is missing"),
        ("provider,model,unit,price_usd,price_eur\n", "line 1: there is no column 'price_eur'"),
        ("provider,model,unit,price_usd,unit\n", "line 1: a column occurs twice"),
        (HEADER, "CSV prices holds no price"),
        (f'{HEADER}"acme,a,input_mtok,1\n', "line 2: "),
    ],
)
def test_tables_that_are_none(refusals: Any, text: str, problem: str) -> None:
    assert refusals(text)[0].startswith(problem)


def test_a_table_of_a_spreadsheet_is_read(refusals: Any) -> None:
    """With its mark in front, a header in any letter case, blanks around cells and rows of commas below."""
    text = (
        "\ufeff Provider ,MODEL, Unit,Price_USD,Service_Tier,Marginal\r\n"
        "acme,tiny,Input_MTok,2,,No\r\n"
        ",,,,,\r\n"
        "acme,tiny,INPUT_MTOK,1, Batch ,\r\n"
        "acme,tiny,Output_mtok,None,,\r\n"
        "acme,gift,FREE,,,\r\n"
        " , ,,,,,,\r\n"
    )
    found = read_price_list(text.encode(), "prices.csv")
    assert [(row.model, row.unit, row.price_usd, row.service_tier) for row in found.rows] == [
        ("tiny", "input_mtok", Decimal(2), ""),
        ("tiny", "input_mtok", Decimal(1), "batch"),
        ("gift", "free", Decimal(0), ""),
    ]
    assert [end.unit for end in found.ended] == ["output_mtok"]
    (twice,) = refusals("provider,model,unit,price_usd,Model\n")
    assert twice.startswith("line 1: a column occurs twice")


@pytest.mark.parametrize(
    "date", ["2026-W05", "2026-W05-1", "20260301", "2026-03-01T10", "20260301T101500Z", "٢٠٢٦-03-01"]
)
def test_a_date_in_a_form_that_only_python_takes_is_refused(refusals: Any, date: str) -> None:
    (found,) = refusals(f"provider,model,unit,price_usd,effective_from\nacme,tiny,input_mtok,1,{date}\n")
    assert found == f"line 2: {date!r} is no date; write YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ"


@pytest.mark.parametrize(
    "date", ["2026-03-01", "2026-03-01 00:00", "2026-03-01T00:00:00Z", "2026-03-01T01:00:00.000+01:00"]
)
def test_a_date_is_a_day_or_an_instant(date: str) -> None:
    text = f"provider,model,unit,price_usd,effective_from\nacme,tiny,input_mtok,1,{date}\n"
    (row,) = read_price_list(text.encode(), "prices.csv").rows
    assert row.effective_from == datetime(2026, 3, 1, tzinfo=UTC)
