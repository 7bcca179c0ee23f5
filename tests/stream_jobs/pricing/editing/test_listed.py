"""A list over the prices there are: dated when it is asked for, complete where it is said to be, never half."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from stream_jobs.pricing import PriceRow
from stream_jobs.pricing.catalogue import SOURCE, catalogue_rows
from stream_jobs.pricing.editing.dated_sheet import all_day_at, dated_sheets, windows_at
from stream_jobs.pricing.editing.difference import difference, price_text
from stream_jobs.pricing.editing.listed import Replaces, with_list
from stream_jobs.pricing.editing.unit_gaps import EndedUnit
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.price_row import ALWAYS, ANY_MODEL, NO_RATES
from stream_jobs.pricing.resolve import Resolver

MAY = datetime(2026, 5, 1, tzinfo=UTC)


def row(model: str, usd: str, provider: str = "maker", source: str = "list 2", match: str = "") -> PriceRow:
    rule = json.dumps({"model": {"starts_with": match}}) if match else ""
    return PriceRow(provider, model, model, rule, "input_mtok", Decimal(usd), 10**6, 0, source)


KNOWN = [row("large-mini", "1", source="list 1", match="large-mini"), row("large", "2", source="list 1", match="large")]


def said(rows: list[PriceRow]) -> list[tuple[str, str, str]]:
    return [(each.model, price_text(each), f"{each.effective_from:%Y-%m-%d}") for each in rows]


def test_without_a_date_a_model_has_the_prices_of_the_list() -> None:
    rows = with_list(KNOWN, [row("large", "3")])
    assert said(rows) == [
        ("large-mini", "1 USD per 1,000,000", "1970-01-01"),
        ("large", "3 USD per 1,000,000", "1970-01-01"),
    ]
    assert rows[1].match == KNOWN[1].match, "a list without rules leaves those that are known"
    assert [each.position for each in rows] == [0, 1]


def test_with_a_date_what_was_before_stays() -> None:
    listed = [row("large", "3"), row("large-mini", "1"), row("new", "9")]
    assert said(with_list(KNOWN, listed, effective_from=MAY)) == [
        ("new", "9 USD per 1,000,000", "1970-01-01"),
        ("large-mini", "1 USD per 1,000,000", "1970-01-01"),
        ("large", "2 USD per 1,000,000", "1970-01-01"),
        ("large", "3 USD per 1,000,000", "2026-05-01"),
    ]


def test_an_organizations_list_holds_from_the_date_only() -> None:
    rows = with_list([], [replace(row("large", "3"), organization="acme")], effective_from=MAY)
    assert said(rows) == [("large", "3 USD per 1,000,000", "2026-05-01")]


def test_the_same_list_again_changes_nothing() -> None:
    listed = [row("large", "3"), row("new", "9")]
    for start in (None, MAY):
        once = with_list(KNOWN, listed, effective_from=start)
        assert with_list(once, listed, effective_from=start) == once
    later = with_list(with_list(KNOWN, listed, effective_from=MAY), listed, effective_from=MAY.replace(month=6))
    assert later == with_list(KNOWN, listed, effective_from=MAY), "a price that holds already begins not once more"


def test_a_model_without_rules_is_found_before_patterns_that_are_known() -> None:
    rows = with_list(KNOWN, [row("large-new", "9")])
    assert resolved(rows, "large-new") == "large-new"
    assert resolved(rows, "large-mini-2") == "large-mini"


def test_a_list_with_rules_brings_its_order() -> None:
    listed = [row("large-nano", "1", match="large-nano"), row("large", "2", match="large")]
    rows = with_list([*KNOWN, row("large-mine", "5", source="hand")], listed)
    assert [each.model for each in rows] == ["large-mine", "large-nano", "large", "large-mini"]
    assert resolved(rows, "large-mine") == "large-mine"


def resolved(rows: list[PriceRow], model: str) -> str:
    found = Resolver(rows).resolve("maker", model)
    assert found is not None
    return found.model


def test_a_default_price_is_for_what_no_list_knows() -> None:
    rows = catalogue_rows()
    names = [row for row in rows if row.provider == "openai" and row.model]
    literals = sorted({text for row in names for text in _literals(json.loads(row.match)["model"])})
    known = Resolver(rows)
    before = [known.resolve("openai", name) for name in literals]
    listed = read_price_list(LLMS_JSON.encode(), "llms.json").rows
    for start in (None, MAY):
        made = with_list(rows, listed, effective_from=start)
        found = Resolver(made)
        assert [found.resolve("openai", name) for name in literals] == before
        for provider, model in (("azure", "gpt-4o"), ("openai", "openai/gpt-4o"), ("openai", "gpt-4o-20240806")):
            assert found.resolve(provider, model) == known.resolve(provider, model), "not before routes and dates"
        unknown = found.resolve("openai", "never-heard-of")
        assert unknown is not None
        assert unknown.model == ANY_MODEL
        assert [row.model for row in made if row.provider == "openai"][-1] == ANY_MODEL
        again = with_list(made, [row("gpt-4o", "3", provider="openai", match="gpt-4o")])
        assert [row.model for row in again if row.provider == "openai"][-1] == ANY_MODEL


LLMS_JSON = """{"providers": {
    "openai": {"pricing": {"gpt-4o": {"input": 2.5, "output": 10}}, "default_pricing": {"input": 1, "output": 2}},
    "azure": {"default_pricing": {"input": 1, "output": 2}}
}}"""


def _literals(clause: dict[str, Any]) -> Iterator[str]:
    for kind, said in clause.items():
        if kind in ("or", "and"):
            for part in said:
                yield from _literals(part)
        elif kind in ("equals", "starts_with"):
            yield said


def unit(model: str, name: str, usd: str, organization: str = "") -> PriceRow:
    return replace(row(model, usd), unit=name, organization=organization)


PRICED = [row("large", "2"), unit("large", "output_mtok", "8"), unit("large", "web_searches_kcount", "30")]
LARGE = ("maker", "large")


def costs(rows: list[PriceRow], at: datetime) -> dict[str, str]:
    sheet = all_day_at(dated_sheets(rows), at)
    assert sheet is not None
    return {each.unit: str(each.price_usd) for each in sheet.rates}


def test_what_a_dated_list_has_no_price_for_goes_on() -> None:
    listed = [row("large", "3"), unit("large", "output_mtok", "9")]
    made = with_list(PRICED, listed, effective_from=MAY)
    assert costs(made, MAY) == {"input_mtok": "3", "output_mtok": "9", "web_searches_kcount": "30"}
    assert [each.row.unit for each in difference(PRICED, made).prices] == ["input_mtok", "output_mtok"]
    assert with_list(made, listed, effective_from=MAY) == made
    assert with_list(made, listed, effective_from=MAY.replace(month=6)) == made
    no_searches = EndedUnit(*LARGE, "web_searches_kcount", (ALWAYS, ("", ""), ""))
    ended = with_list(PRICED, listed, effective_from=MAY, ended=frozenset({no_searches}))
    assert costs(ended, MAY) == {"input_mtok": "3", "output_mtok": "9"}
    (gone,) = (each for each in difference(PRICED, ended).prices if each.change == "removed")
    assert (gone.row.unit, gone.row.effective_from, price_text(gone.after)) == ("web_searches_kcount", MAY, "none")


@pytest.mark.parametrize("start", [None, MAY])
def test_an_organizations_list_leaves_everyones_price_for_what_it_does_not_name(start: datetime | None) -> None:
    listed = [replace(row("large", "1"), organization="acme", effective_from=MAY)]
    made = with_list([], listed, effective_from=start, everyones=PRICED)
    assert costs(made, MAY) == {"input_mtok": "1", "output_mtok": "8", "web_searches_kcount": "30"}
    assert {each.organization for each in made} == {"acme"}
    (shown,) = difference([], made, PRICED).prices
    assert (shown.row.unit, shown.percent) == ("input_mtok", Decimal("-50.00"))
    assert with_list(made, listed, effective_from=start, everyones=PRICED) == made
    ended = frozenset({EndedUnit(*LARGE, "output_mtok", (MAY, ("", ""), ""))})
    made = with_list([], listed, effective_from=start, everyones=PRICED, ended=ended)
    assert costs(made, MAY) == {"input_mtok": "1", "web_searches_kcount": "30"}
    found = [(each.row.unit, each.change, each.row.organization) for each in difference([], made, PRICED).prices]
    assert found == [("input_mtok", "changed", "acme"), ("output_mtok", "removed", "acme")]


@pytest.mark.parametrize("start", [None, MAY])
def test_an_organizations_list_of_some_prices_leaves_all_others_as_they_are(start: datetime | None) -> None:
    everyones = [
        *(unit("large", name, usd) for name, usd in (("input_mtok", "2"), ("cache_read_mtok", "0.2"))),
        replace(row("large", "1"), daily_from="16:30:00", daily_to="00:30:00"),
        *(
            replace(unit("large", name, usd), service_tier="batch")
            for name, usd in (("input_mtok", "1"), ("cache_read_mtok", "0.1"))
        ),
    ]
    listed = [replace(row("large", "1.5"), organization="acme", effective_from=MAY)]
    made = with_list([], listed, effective_from=start, everyones=everyones)
    assert with_list(made, listed, effective_from=start, everyones=everyones) == made
    said = {(each.service_tier, each.daily_from, each.unit): f"{each.price_usd:f}" for each in made}
    assert said == {
        ("", "", "input_mtok"): "1.5",
        ("", "", "cache_read_mtok"): "0.2",
        ("", "16:30:00", "input_mtok"): "1",
        ("batch", "", "input_mtok"): "1",
        ("batch", "", "cache_read_mtok"): "0.1",
    }
    assert {(each.organization, each.effective_from) for each in made} == {("acme", MAY)}
    (shown,) = difference([], made, everyones).prices
    assert (shown.row.unit, shown.row.service_tier, shown.percent) == ("input_mtok", "", Decimal("-25.00"))


def of(source: str, *rows: PriceRow) -> list[PriceRow]:
    return [replace(each, source=source) for each in rows]


def test_a_list_with_own_dates_leaves_what_was_before_them() -> None:
    december = MAY.replace(month=12)
    listed = of("CSV a.csv", replace(row("large", "3"), effective_from=december))
    made = with_list(PRICED, listed)
    assert costs(made, MAY) == {"input_mtok": "2", "output_mtok": "8", "web_searches_kcount": "30"}
    assert costs(made, december) == {"input_mtok": "3", "output_mtok": "8", "web_searches_kcount": "30"}
    assert [(each.row.unit, each.change) for each in difference(PRICED, made).prices] == [("input_mtok", "changed")]
    assert with_list(made, listed) == made
    own = [replace(each, organization="acme") for each in listed]
    earlier = [replace(each, organization="acme", effective_from=MAY, source="CSV a.csv") for each in PRICED]
    assert costs(with_list(earlier, own, everyones=PRICED), MAY) == costs(earlier, MAY), (
        "what it agreed to before stays too"
    )


DATED = [
    *of("catalogue 1", *PRICED, unit("large", "cache_read_mtok", "0.2")),
    *of("catalogue 1", *(replace(unit("large", n, p), service_tier="batch") for n, p in (("input_mtok", "1"),))),
    *of("catalogue 1", replace(row("large", "0.5"), daily_from="16:30:00", daily_to="00:30:00")),
    *(
        replace(unit("large", name, usd), effective_from=MAY, source="catalogue 1")
        for name, usd in (("input_mtok", "4"), ("output_mtok", "8"), ("cache_read_mtok", "0.4"))
    ),
]


@pytest.mark.parametrize("times", [1, 2])
def test_a_list_without_dates_leaves_what_it_does_not_name_at_all_times(times: int) -> None:
    listed = of("llms.json of llms.py", row("large", "3"), unit("large", "output_mtok", "9"))
    made = DATED
    for _ in range(times):
        made = with_list(made, listed)
    searches = {"web_searches_kcount": "30"}
    assert costs(made, ALWAYS) == {"input_mtok": "3", "output_mtok": "9", "cache_read_mtok": "0.2"} | searches
    assert costs(made, MAY) == {"input_mtok": "3", "output_mtok": "9", "cache_read_mtok": "0.4"}
    sheets = dated_sheets(made)
    batch, night = all_day_at(sheets, MAY, "batch"), ("16:30:00", "00:30:00")
    assert batch is not None
    assert [(each.unit, str(each.price_usd)) for each in batch.rates] == [("input_mtok", "1")]
    assert [str(each.price_usd) for each in windows_at(sheets, ALWAYS)[night].rates] == ["0.5"]
    assert night not in windows_at(sheets, MAY), "it had ended then"
    changes = {(each.row.unit, each.change) for each in difference(DATED, made).prices}
    assert changes == {("input_mtok", "changed"), ("output_mtok", "changed")}
    without = frozenset({EndedUnit(*LARGE, "cache_read_mtok", (ALWAYS, ("", ""), ""))})
    ended = with_list(DATED, listed, ended=without)
    assert "cache_read_mtok" not in costs(ended, ALWAYS) | costs(ended, MAY)


def test_a_listed_window_holds_on_beside_later_prices_for_all_day() -> None:
    night = ("16:30:00", "00:30:00")
    listed = [replace(each, daily_from=night[0], daily_to=night[1]) for each in of("CSV a.csv", row("large", "0.7"))]
    made = dated_sheets(with_list(DATED, listed))
    for date in (ALWAYS, MAY):
        inside = {each.unit: str(each.price_usd) for each in windows_at(made, date)[night].rates}
        assert inside.pop("input_mtok") == "0.7"
        assert inside == ({} if date == ALWAYS else {"output_mtok": "8", "cache_read_mtok": "0.4"}), (
            "what a window does not name costs what it did in its hours"
        )
        assert costs(with_list(DATED, listed), date) == costs(DATED, date)


def test_a_newer_state_of_a_catalogue_is_whole() -> None:
    listed = of("catalogue 2", row("large", "3"), unit("large", "output_mtok", "9"))
    made = with_list(DATED, listed)
    assert made == [replace(each, position=place) for place, each in enumerate(listed)]
    by_hand = [*DATED[:4], replace(unit("large", "cache_write_mtok", "7"), source="command line")]
    assert costs(with_list(by_hand, listed), ALWAYS) == {"input_mtok": "3", "output_mtok": "9", "cache_write_mtok": "7"}


OTHERS = [*KNOWN, row("own", "4", source="hand"), row("far", "5", provider="other", source="list 1")]


@pytest.mark.parametrize(
    ("replaces", "left"),
    [
        (Replaces.MODELS, {"large", "large-mini", "own", "far"}),
        (Replaces.PROVIDERS, {"large", "far"}),
        (Replaces.SOURCE, {"large", "own"}),
    ],
)
def test_a_complete_list_takes_away_what_it_lacks(replaces: Replaces, left: set[str]) -> None:
    listed = [row("large", "2", source="list 3")]
    assert {each.model for each in with_list(OTHERS, listed, replaces)} == left
    dated = with_list(OTHERS, listed, replaces, MAY)
    assert {each.model for each in dated} == {"large", "large-mini", "own", "far"}, "nothing dated is taken away"
    ended = {each.model for each in dated if each.unit == NO_RATES}
    assert ended == {"large", "large-mini", "own", "far"} - left
    assert all(each.effective_from == MAY for each in dated if each.unit == NO_RATES)
    assert with_list(dated, listed, replaces, MAY) == dated


def test_a_list_of_several_owners_or_of_nothing_is_refused() -> None:
    with pytest.raises(PriceListRefused, match="one owner"):
        with_list(KNOWN, [replace(row("large", "1"), organization="acme")])
    with pytest.raises(PriceListRefused, match="no prices"):
        with_list(KNOWN, [])


def test_the_catalogue_over_itself_changes_nothing() -> None:
    rows = catalogue_rows()
    newer = [replace(each, source="genai-prices 99") for each in rows]
    assert SOURCE.startswith("genai-prices ")
    made = with_list(rows, newer, Replaces.SOURCE)
    assert difference(rows, made).is_nothing
    assert [replace(each, source="") for each in made] == [replace(each, source="") for each in rows]
