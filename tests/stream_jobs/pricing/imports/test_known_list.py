"""An imported list means known providers and models however it spells them; the same thing twice is refused."""

from dataclasses import replace
from decimal import Decimal

import pytest

from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.imports.known_list import known_list, with_import
from stream_jobs.pricing.imports.price_list import PriceList
from stream_jobs.pricing.price_row import PriceRow

CATALOGUE = catalogue_rows()
HEADER = "provider,model,unit,price_usd\n"


def read(lines: str, without: tuple[str, ...] = ()) -> PriceList:
    return read_price_list(f"{HEADER}{lines}".encode(), "prices.csv", without=without)


def input_price(rows: list[PriceRow], provider: str, model: str) -> list[Decimal]:
    return [
        row.price_usd
        for row in rows
        if (row.provider, row.model, row.unit, row.service_tier) == (provider, model, "input_mtok", "")
    ]


@pytest.mark.parametrize("line", ["OpenAI,gpt-4o", "openai,GPT-4o", "OPENAI,GPT-4O"])
def test_a_line_in_another_case_changes_the_known_model_alone(line: str) -> None:
    rows = with_import(CATALOGUE, read(f"{line},input_mtok,2\n"))
    assert {(row.provider, row.model) for row in rows} == {(row.provider, row.model) for row in CATALOGUE}
    assert input_price(rows, "openai", "gpt-4o") == [2]
    of_model = [row for row in rows if (row.provider, row.model) == ("openai", "gpt-4o")]
    assert {row.display_name for row in of_model} == {"gpt 4o"}
    book = PriceBook.from_rows(rows, revision=2)
    assert book.resolve("", "azure", "gpt-4o-mini") is not None


def test_an_organisations_list_finds_everyones_names() -> None:
    listed = read("xai,GROK-3,input_mtok,2\n")
    own = replace(listed, rows=tuple(replace(row, organization="acme") for row in listed.rows))
    rows = with_import([], own, everyones=CATALOGUE)
    assert input_price(rows, "x-ai", "grok-3") == [2]


@pytest.mark.parametrize(
    ("first", "second"), [("p,m", "P,M"), ("p,m", "p,M"), ("openai,gpt-4o", "OpenAI,GPT-4o"), (" p ,m", "P, M")]
)
def test_two_lines_for_the_same_in_another_case_are_refused(first: str, second: str) -> None:
    with pytest.raises(PriceListRefused, match=r"line 3: a second price of .* first at line 2; keep one"):
        read(f"{first},input_mtok,2\n{second},input_mtok,3\n")


def test_two_lines_that_come_to_the_same_name_are_refused() -> None:
    listed = read("x-ai,grok-3,input_mtok,2\nopenai,gpt-4o,input_mtok,2\nxai,Grok-3,input_mtok,3\n")
    with pytest.raises(PriceListRefused, match=r"line 4: a second price of x-ai/grok-3 .* first at line 2; keep one"):
        known_list(listed, CATALOGUE, ())


def test_lines_of_two_spellings_that_say_different_things_stand_together() -> None:
    rows = with_import(CATALOGUE, read("x-ai,grok-3,input_mtok,2\nxai,grok-3,output_mtok,3\n"))
    assert input_price(rows, "x-ai", "grok-3") == [2]
    assert not [row for row in rows if row.provider == "xai"]


def test_a_unit_without_a_price_is_ended_under_the_known_name() -> None:
    listed = known_list(read("OpenAI,GPT-4o,input_mtok,2\nOpenAI,GPT-4o,cache_read_mtok,none\n"), CATALOGUE, ())
    assert {(end.provider, end.model) for end in listed.ended} == {("openai", "gpt-4o")}


def test_periods_of_two_spellings_follow_each_other() -> None:
    text = (
        "provider,model,unit,price_usd,effective_from,effective_to\n"
        "p,m,input_mtok,1,2026-01-01,2026-02-01\nP,M,input_mtok,2,2026-03-01,\n"
    )
    with pytest.raises(PriceListRefused, match="line 3: gap"):
        read_price_list(text.encode(), "prices.csv")


def test_models_are_left_out_in_any_spelling() -> None:
    listed = read(
        "OpenAI,GPT-4o,input_mtok,2\nx-ai,grok-3,input_mtok,2\np,m,input_mtok,1\n", ("openai/gpt-4o", "xai/Grok-3")
    )
    assert [row.provider for row in listed.rows] == ["p"]


def test_a_list_of_known_names_stays_as_it_is() -> None:
    listed = read("openai,gpt-4o,input_mtok,2\n")
    assert known_list(listed, CATALOGUE, ()) is listed


def test_the_currency_is_written_in_any_case() -> None:
    listed = read_price_list(b"provider,model,unit,price_usd,currency\np,m,input_mtok,2,usd\n", "prices.csv")
    assert [row.price_usd for row in listed.rows] == [2]


def test_a_double_in_a_catalogue_names_both_places() -> None:
    model = '{"id": "m", "match": {"equals": "m"}, "prices": {"input_mtok": 2}}'
    text = f'[{{"id": "p", "name": "P", "api_pattern": "p", "models": [{model}, {model}]}}]'
    with pytest.raises(
        PriceListRefused, match=r"\[0\]\.models\[1\] \(m\): a second .* first at \[0\]\.models\[0\] \(m\)"
    ):
        read_price_list(text.encode(), "data.json")
