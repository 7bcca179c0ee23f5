"""What differs between two lists, in full and in sum."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from stream_jobs.pricing import PriceRow
from stream_jobs.pricing.editing.difference import difference, price_text
from stream_jobs.pricing.price_row import FREE, NO_RATES


def row(model: str, usd: str, unit: str = "input_mtok", tier: int = 0) -> PriceRow:
    return PriceRow("maker", model, model, "", unit, Decimal(usd), 10**6, 0, "list", tier)


MAY = datetime(2026, 5, 1, tzinfo=UTC)
BEFORE = [row("a", "2"), row("a", "3", "output_mtok"), row("b", "1"), row("c", "4")]


def test_added_removed_and_changed() -> None:
    found = difference(BEFORE, [row("a", "2.5"), row("a", "3", "output_mtok"), row("a", "5", tier=10), row("c", "1")])
    assert [(each.row.model, each.row.tier_start, each.change, each.percent) for each in found.prices] == [
        ("a", 0, "changed", Decimal("25.00")),
        ("a", 10, "added", None),
        ("b", 0, "removed", None),
        ("c", 0, "changed", Decimal("-75.00")),
    ]
    assert (dict(found.counts), found.models) == ({"added": 1, "removed": 1, "changed": 2}, 3)
    assert found.largest is not None
    assert found.largest.row.model == "c"


def dated(each: PriceRow, usd: str, organization: str = "") -> PriceRow:
    return replace(each, effective_from=MAY, price_usd=Decimal(usd), organization=organization)


def test_what_begins_at_a_date_is_compared_with_what_was_in_force_then() -> None:
    after = [*BEFORE, dated(BEFORE[0], "2.5"), dated(BEFORE[1], "3"), dated(row("a", "9", tier=10), "9")]
    found = difference(BEFORE, after)
    assert [(each.row.unit, each.row.tier_start, each.change, each.percent) for each in found.prices] == [
        ("input_mtok", 0, "changed", Decimal("25.00")),
        ("input_mtok", 10, "added", None),
    ], "output goes on at what it cost"


def test_an_organizations_first_price_is_compared_with_everyones() -> None:
    own = [dated(BEFORE[0], "1", "acme"), dated(BEFORE[1], "3", "acme")]
    (changed,) = difference([], own, BEFORE).prices
    assert (changed.change, changed.percent, changed.before) == ("changed", Decimal("-50.00"), BEFORE[0])
    assert difference(own, own, BEFORE).is_nothing


RATES = (("2", "input_mtok"), ("8", "output_mtok"))
NIGHTLY: dict[str, Any] = {"daily_from": "22:00:00", "daily_to": "06:00:00"}


@pytest.mark.parametrize("organization", ["", "acme"])
def test_what_new_prices_do_not_carry_on_is_shown(organization: str) -> None:
    known = [row("a", "2"), row("a", "5", tier=10), row("a", "3", "output_mtok"), row("a", "1", "cache_read_mtok")]
    known.append(replace(row("a", "1"), **NIGHTLY))
    new = dated(row("a", "2"), "2", organization)
    before, everyones = ([], known) if organization else (known, [])
    found = difference(before, [*before, new], everyones).prices
    assert {each.change for each in found} == {"removed"}
    assert {(each.row.effective_from, each.row.organization) for each in found} == {(MAY, organization)}
    assert {(each.row.unit, each.row.tier_start, each.row.daily_from, price_text(each.after)) for each in found} == {
        ("input_mtok", 10, "", "none"),
        ("output_mtok", 0, "", "none"),
        ("cache_read_mtok", 0, "", "none"),
        ("input_mtok", 0, "22:00:00", "none"),
    }
    assert difference([*before, new], [*before, new], everyones).is_nothing


def test_a_price_for_a_window_is_compared_with_that_of_the_window() -> None:
    known = [row("a", "2"), replace(row("a", "1"), **NIGHTLY)]
    (changed,) = difference(known, [*known, dated(known[1], "1.5")]).prices
    assert (changed.before, changed.percent) == (known[1], Decimal("50.00"))


@pytest.mark.parametrize(("mark", "text"), [(NO_RATES, "none"), (FREE, "free")])
def test_an_end_is_a_change_from_the_price_to_none(mark: str, text: str) -> None:
    """Of each price in force, in service tiers too; likewise what becomes free."""
    batch = replace(row("a", "1"), service_tier="batch")
    known = [*BEFORE, row("a", "5", tier=10), replace(row("a", "1.5"), **NIGHTLY), batch]
    found = difference(known, [*known, dated(row("a", "0", mark), "0"), dated(replace(batch, unit=NO_RATES), "0")])
    assert {
        (each.row.unit, each.row.service_tier, each.row.tier_start, each.row.daily_from, price_text(each.before))
        for each in found.prices
    } == {
        ("input_mtok", "", 0, "", "2 USD per 1,000,000"),
        ("input_mtok", "", 10, "", "5 USD per 1,000,000"),
        ("input_mtok", "", 0, "22:00:00", "1.5 USD per 1,000,000"),
        ("output_mtok", "", 0, "", "3 USD per 1,000,000"),
        ("input_mtok", "batch", 0, "", "1 USD per 1,000,000"),
    }
    assert {(each.row.effective_from, price_text(each.after), each.change, each.percent) for each in found.prices} == {
        (MAY, text, "removed", None)
    }
    assert (dict(found.counts), found.largest) == ({"added": 0, "removed": 5, "changed": 0}, None)


def test_an_end_without_a_row_for_a_service_tier_ends_it_too() -> None:
    known = [*BEFORE, replace(row("c", "1"), service_tier="batch")]
    found = difference(known, [*known, dated(row("c", "0", NO_RATES), "0")]).prices
    assert [(each.row.service_tier, each.row.unit, price_text(each.after)) for each in found] == [
        ("", "input_mtok", "none"),
        ("batch", "input_mtok", "none"),
    ]


@pytest.mark.parametrize("mark", [NO_RATES, FREE])
def test_a_mark_where_nothing_held_is_shown_itself(mark: str) -> None:
    known = BEFORE[:1]
    (added,) = difference(known, [*known, dated(row("c", "0", mark), "0")]).prices
    assert (added.row.unit, added.before, added.change) == (mark, None, "added")


def test_an_undated_list_that_calls_a_model_free_shows_what_was() -> None:
    batch = replace(row("c", "1"), service_tier="batch", effective_from=MAY)
    found = difference([row("c", "4"), batch], [row("c", "0", FREE)]).prices
    assert [(each.row.service_tier, price_text(each.before), price_text(each.after)) for each in found] == [
        ("", "4 USD per 1,000,000", "free"),
        ("batch", "1 USD per 1,000,000", "free"),
    ]


def test_where_a_free_model_ends_that_is_shown() -> None:
    known = [row("c", "0", FREE)]
    (removed,) = difference(known, [*known, dated(row("c", "0", NO_RATES), "0")]).prices
    assert (price_text(removed.before), price_text(removed.after), removed.change) == ("free", "none", "removed")


@pytest.mark.parametrize("organization", ["", "acme"])
def test_a_service_tier_that_ends_is_followed_by_the_standard_price(organization: str) -> None:
    known = [row("c", "4"), replace(row("c", "1"), service_tier="batch")]
    before, everyones = ([], known) if organization else (known, [])
    new = [dated(row("c", "3"), "3", organization)]
    if not organization:
        new.append(dated(replace(known[1], unit=NO_RATES), "0"))
    found = difference(before, [*before, *new], everyones).prices
    assert [(each.row.service_tier, each.row.unit, each.percent) for each in found] == [
        ("", "input_mtok", Decimal("-25.00")),
        ("batch", "input_mtok", Decimal("200.00")),
    ]
    end = replace(new[0], unit=NO_RATES, price_usd=Decimal(0), effective_from=MAY.replace(month=6))
    if organization:
        back = difference(new, [*new, end], everyones).prices
        assert [(each.row.service_tier, each.after and each.after.price_usd) for each in back] == [
            ("", Decimal(4)),
            ("batch", Decimal(1)),
        ]


def test_where_an_own_price_ends_what_the_name_was_priced_as_holds_again() -> None:
    alias = replace(row("b", "1"), match=json.dumps({"model": {"starts_with": "b"}}))
    own = [dated(replace(row("b-2026", usd, unit), effective_from=MAY), usd) for usd, unit in RATES]
    end = replace(row("b-2026", "0", NO_RATES), effective_from=MAY.replace(month=6))
    found = difference([alias, *own], [alias, *own, end]).prices
    assert [
        (each.row.unit, each.before and each.before.price_usd, each.after and each.after.price_usd) for each in found
    ] == [
        ("input_mtok", Decimal(2), Decimal(1)),
        ("output_mtok", Decimal(8), None),
    ]
    assert {(each.row.model, each.row.effective_from) for each in found} == {("b-2026", end.effective_from)}


@pytest.mark.parametrize("shared", [[], BEFORE])
def test_where_an_organizations_price_ends_everyones_holds_again(shared: list[PriceRow]) -> None:
    """Whether everyone's are given apart, or stand in both lists."""
    own, listed = [dated(BEFORE[0], "1", "acme")], [] if shared else BEFORE
    end = replace(row("a", "0", NO_RATES), effective_from=MAY.replace(month=6), organization="acme")
    found = difference([*listed, *own], [*listed, *own, end], shared).prices
    assert [
        (each.row.unit, each.before and each.before.price_usd, each.after and each.after.price_usd) for each in found
    ] == [
        ("input_mtok", Decimal(1), Decimal(2)),
        ("output_mtok", None, Decimal(3)),
    ]


def test_two_whole_states_compare_an_organizations_first_price_with_everyones() -> None:
    (changed,) = difference(BEFORE, [*BEFORE, dated(BEFORE[1], "1", "acme"), dated(BEFORE[0], "2", "acme")]).prices
    assert (changed.row.unit, changed.change, changed.before) == ("output_mtok", "changed", BEFORE[1])


def test_a_price_of_another_number_of_units_is_compared_by_the_unit() -> None:
    found = difference([row("a", "2")], [replace(row("a", "0.002"), per=1000)])
    assert [each.percent for each in found.prices] == [Decimal("0.00")]


def test_places_sources_and_zeros_at_the_end_are_no_difference() -> None:
    same = [
        replace(each, position=9, source="other", price_usd=each.price_usd.quantize(Decimal("1e-18")))
        for each in BEFORE
    ]
    assert difference(BEFORE, same).is_nothing


def test_rules_names_and_the_order_of_models_are_told() -> None:
    named = [replace(BEFORE[0], display_name="A"), *BEFORE[1:]]
    found = difference(BEFORE, named)
    assert [(each.model, each.before, each.after) for each in found.rules] == [("a", ("", "a"), ("", "A"))]
    assert not found.is_nothing
    assert difference(BEFORE, BEFORE[::-1]).reordered
    assert not difference(BEFORE, [row("z", "1"), *BEFORE]).reordered


def test_a_price_that_was_nothing_changes_by_no_percentage() -> None:
    (changed,) = difference([row("a", "0")], [row("a", "1")]).prices
    assert changed.percent is None


@pytest.mark.parametrize(
    ("priced", "text"),
    [
        (row("a", "0.250000000000000000"), "0.25 USD per 1,000,000"),
        (row("a", "100"), "100 USD per 1,000,000"),
        (row("a", "0", FREE), "free"),
        (row("a", "0", NO_RATES), "no known price"),
        (replace(row("a", "0", NO_RATES), service_tier="batch"), "as standard"),
        (None, "none"),
    ],
)
def test_prices_for_people(priced: PriceRow | None, text: str) -> None:
    assert price_text(priced) == text


def test_a_price_that_a_list_does_not_say_again_is_followed_by_what_holds_then() -> None:
    later = [dated(BEFORE[0], "2.5"), dated(BEFORE[1], "3")]
    sooner = [replace(each, effective_from=MAY.replace(month=1)) for each in (row("a", "1.5"), BEFORE[1])]
    found = difference([*BEFORE, *later], [*BEFORE, *sooner]).prices
    assert [(price_text(each.before), price_text(each.after), each.change) for each in found] == [
        ("2 USD per 1,000,000", "1.5 USD per 1,000,000", "changed"),
        ("2.5 USD per 1,000,000", "1.5 USD per 1,000,000", "changed"),
    ]


def test_where_a_daily_window_ends_at_its_own_date_everyones_price_follows() -> None:
    own = [replace(dated(each, usd, "acme"), **NIGHTLY) for each, usd in ((BEFORE[0], "2"), (BEFORE[1], "5"))]
    end = replace(dated(row("a", "0", NO_RATES), "0", "acme"), per=1)
    (changed,) = difference(own, [end], BEFORE).prices
    assert (changed.row.unit, changed.row.daily_from, price_text(changed.after)) == (
        "output_mtok",
        "22:00:00",
        "3 USD per 1,000,000",
    )


@pytest.mark.parametrize("tier", ["", "batch"])
def test_where_a_free_model_has_a_price_it_was_free_and_what_is_not_named_is_no_longer(tier: str) -> None:
    known = [replace(row("c", "0", FREE), per=1)]
    found = difference(known, [*known, replace(dated(row("c", "2"), "2"), service_tier=tier)]).prices
    shown = [(each.row.unit, price_text(each.before), price_text(each.after), each.change) for each in found]
    ends = [] if tier else [(FREE, "free", "none", "removed")]
    assert shown == [*ends, ("input_mtok", "free", "2 USD per 1,000,000", "added")]


def test_a_free_service_tier_with_a_price_costs_else_what_is_standard() -> None:
    known = [*BEFORE[:2], replace(row("a", "0", FREE), per=1, service_tier="batch")]
    found = difference(known, [*known, replace(dated(row("a", "1"), "1"), service_tier="batch")]).prices
    assert [(each.row.unit, price_text(each.before), price_text(each.after)) for each in found] == [
        ("input_mtok", "free", "1 USD per 1,000,000"),
        ("output_mtok", "free", "3 USD per 1,000,000"),
    ]


def test_where_an_organizations_price_ends_a_price_of_a_service_tier_begins_again() -> None:
    everyones = [*BEFORE, replace(row("a", "0.5", "cache_read_mtok"), service_tier="flex")]
    own = [dated(row("a", "3", "output_mtok"), "3", "acme")]
    end = replace(row("a", "0", NO_RATES), per=1, effective_from=MAY.replace(month=6), organization="acme")
    found = difference(own, [*own, end], everyones).prices
    assert [(each.row.service_tier, each.row.unit, price_text(each.after), each.change) for each in found] == [
        ("flex", "cache_read_mtok", "0.5 USD per 1,000,000", "added"),
        ("", "input_mtok", "2 USD per 1,000,000", "added"),
    ]
