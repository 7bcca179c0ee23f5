"""An imported list means known providers and models however it spells them; the same thing twice is refused."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stream_jobs.configuring.ledger import PRICES
from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.editing.difference import difference
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


NIGHT_HEADER = "provider,model,daily_from,daily_to,unit,price_usd\n"
LONG_HEADER = "provider,model,tier_start,marginal,unit,price_usd\n"


def owned(text: str, organization: str) -> PriceList:
    listed = read_price_list(text.encode(), "prices.csv")
    return replace(listed, rows=tuple(replace(row, organization=organization) for row in listed.rows))


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("start", [None, datetime(2027, 1, 1, tzinfo=UTC)])
def test_a_daily_window_alone_lies_over_the_price_of_the_whole_day(organization: str, start: datetime | None) -> None:
    rows, everyones = ([], CATALOGUE) if organization else (CATALOGUE, [])
    listed = owned(f"{NIGHT_HEADER}deepseek,deepseek-chat,16:30,00:30,input_mtok,0.1\n", organization)
    made = with_import(rows, listed, effective_from=start, everyones=everyones)
    PRICES.judge(rows, made, everyones)
    (changed,) = difference(rows, made, everyones).prices
    assert (changed.row.daily_from, changed.row.unit, changed.change) == ("16:30:00", "input_mtok", "changed")
    assert with_import(made, listed, effective_from=start, everyones=everyones) == made


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("marginal", ["", "yes"])
def test_a_context_alone_leaves_the_price_below_it(organization: str, marginal: str) -> None:
    rows, everyones = ([], CATALOGUE) if organization else (CATALOGUE, [])
    listed = owned(f"{LONG_HEADER}openai,gpt-4o,200000,{marginal},input_mtok,6\n", organization)
    made = with_import(rows, listed, everyones=everyones)
    PRICES.judge(rows, made, everyones)
    (added,) = difference(rows, made, everyones).prices
    assert (added.row.tier_start, added.row.marginal, added.change) == (200_000, bool(marginal), "added")
    assert with_import(made, listed, everyones=everyones) == made


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            f"{NIGHT_HEADER}openai,gpt-4o,,,input_mtok,2\np,m,16:30,00:30,input_mtok,0.1\n",
            "line 3: the daily windows leave hours without a price; add one for the whole day",
        ),
        (
            f"{LONG_HEADER}openai,gpt-4o,200000,,input_mtok,6\np,m,200000,,input_mtok,6\n",
            "line 3: input_mtok has a price only above 200,000 tokens; add one without a tier",
        ),
        (
            f"{LONG_HEADER}openai,gpt-4o,200000,,input_video_hours,6\n",
            "line 2: input_video_hours has a price only above 200,000 tokens; add one without a tier",
        ),
    ],
)
def test_hours_and_contexts_of_which_nothing_is_known_are_refused_with_their_place(
    organization: str, text: str, problem: str
) -> None:
    rows, everyones = ([], CATALOGUE) if organization else (CATALOGUE, [])
    with pytest.raises(PriceListRefused) as refused:
        with_import(rows, owned(text, organization), everyones=everyones)
    assert refused.value.problems == (problem,)


def test_a_newer_catalogue_with_a_window_alone_has_no_price_for_the_rest_of_the_day() -> None:
    """It is whole: what it does not name any more is no longer there."""
    known = [PriceRow("p", "m", "m", "", "input_mtok", Decimal(1), 10**6, 0, "list 1")]
    row = replace(known[0], source="list 2", daily_from="16:30:00", daily_to="00:30:00")
    with pytest.raises(PriceListRefused, match=r"^p/m: the daily windows leave hours without a price"):
        with_import(known, PriceList((row,), "list 2"))
