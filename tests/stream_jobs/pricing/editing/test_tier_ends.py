"""A model that is free, or has only the prices that are named, is so however it is served: from the date on."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from stream_jobs.configuring.ledger import PRICES
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.editing.difference import difference
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.price_list import listed_models
from stream_jobs.pricing.editing.rate import read_rate
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import read_price_list, write_csv
from stream_jobs.pricing.imports.known_list import with_import
from stream_jobs.pricing.price_row import ALWAYS, NO_RATES, SERVICE_TIERS
from tests.stream_jobs.pricing.conftest import UsageFrame

MARCH, MAY, JULY, SEPTEMBER = (datetime(2027, month, 1, tzinfo=UTC) for month in (3, 5, 7, 9))
TIERS = ("", *SERVICE_TIERS)
NIGHTLY: dict[str, Any] = {"daily_from": "16:30:00", "daily_to": "00:30:00"}


def row(usd: str, tier: str = "", unit: str = "input_mtok", start: datetime = ALWAYS, **more: Any) -> PriceRow:
    return PriceRow(
        *("maker", "large", "Large", "", unit, Decimal(usd), 10**6, 0, "list 1"),
        effective_from=start,
        service_tier=tier,
        **more,
    )


STANDARD = [row("8"), row("16", unit="output_mtok")]
TIERED = [
    *STANDARD,
    row("4", "batch"),
    row("3", "batch", **NIGHTLY),
    row("12", "priority"),
    row("5", "flex", start=MAY),
]
KNOWN = [replace(each, position=place) for place, each in enumerate(TIERED)]


def new(*rates: str, start: datetime = MAY, organization: str = "", **more: Any) -> NewPrice:
    return NewPrice("maker", "large", tuple(map(read_rate, rates)), start, "hand", organization, **more)


def everybodys(rows: Sequence[PriceRow], organization: str) -> tuple[list[PriceRow], list[PriceRow]]:
    """The owner's rows and everyone's: of an organization, what it has is its own from the beginning."""
    own = [replace(each, organization=organization) for each in rows] if organization else list(rows)
    return own, list(rows) if organization else []


def costs(rows: Sequence[PriceRow], usage_frame: UsageFrame, at: datetime, hour: int = 12) -> list[object]:
    """What a million input tokens cost acme in each service tier; with its status unless it is priced."""
    event = {"provider": "maker", "model": "large", "time": at.replace(hour=hour), "input_tokens": 10**6}
    frame = usage_frame([{**event, "service_tier": tier} for tier in TIERS])
    found = PriceBook.from_rows(rows, revision=1).price(frame).select("cost_nano_usd", "cost_status").rows()
    return [cost / 10**9 if status == "priced" else status for cost, status in found]


FREE_LIST = "provider,model,unit,price_usd,effective_from\nmaker,large,free,,2027-05-01\n"


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("how", ["set", "imported", "imported from"])
def test_a_free_model_is_free_in_every_service_tier(usage_frame: UsageFrame, organization: str, how: str) -> None:
    own, everyones = everybodys(KNOWN, organization)
    if how == "set":
        made = with_price(own, new(free=True, organization=organization), everyones)
    else:
        text = FREE_LIST if how == "imported" else FREE_LIST.replace("2027-05-01", "")
        read = read_price_list(text.encode(), "free.csv")
        listed = replace(read, rows=tuple(replace(each, organization=organization) for each in read.rows))
        start = None if how == "imported" else MAY
        made = with_import(own, listed, effective_from=start, everyones=everyones)
        assert with_import(made, listed, effective_from=start, everyones=everyones) == made
    PRICES.judge(own, made, everyones)
    rows = [*everyones, *made]
    for hour in (12, 20):
        assert costs(rows, usage_frame, MARCH, hour) == costs([*everyones, *own], usage_frame, MARCH, hour)
        assert costs(rows, usage_frame, MAY, hour) == ["free"] * len(TIERS)
        assert costs(rows, usage_frame, SEPTEMBER, hour) == ["free"] * len(TIERS)


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("is_set_first", [False, True])
@pytest.mark.parametrize("is_imported", [False, True])
def test_a_price_of_a_service_tier_from_a_later_date_than_free_holds(
    usage_frame: UsageFrame, organization: str, *, is_set_first: bool, is_imported: bool
) -> None:
    made, everyones = everybodys(KNOWN, organization)
    batch = new("input_mtok=2", start=JULY, organization=organization, service_tier="batch")
    read = read_price_list(FREE_LIST.encode(), "free.csv")
    listed = replace(read, rows=tuple(replace(each, organization=organization) for each in read.rows))
    if is_set_first:
        made = with_price(made, batch, everyones)
    if is_imported:
        made = with_import(made, listed, everyones=everyones)
    else:
        made = with_price(made, new(free=True, organization=organization), everyones)
    if not is_set_first:
        made = with_price(made, batch, everyones)
    rows = [*everyones, *made]
    assert costs(rows, usage_frame, MAY) == ["free"] * len(TIERS)
    assert costs(rows, usage_frame, JULY)[:2] == ["free", 2]
    assert set(costs(rows, usage_frame, JULY)[2:]) == {"free"}


@pytest.mark.parametrize("organization", ["", "acme"])
def test_only_the_prices_that_are_named_hold_in_every_service_tier(usage_frame: UsageFrame, organization: str) -> None:
    own, everyones = everybodys(KNOWN, organization)
    later = with_price(own, new("input_mtok=2", start=JULY, organization=organization, service_tier="batch"), everyones)
    made = with_price(later, new("input_mtok=6", only=True, organization=organization), everyones)
    PRICES.judge(later, made, everyones)
    rows = [*everyones, *made]
    for hour in (12, 20):
        assert costs(rows, usage_frame, MARCH, hour) == costs([*everyones, *own], usage_frame, MARCH, hour)
        assert costs(rows, usage_frame, MAY, hour) == [6] * len(TIERS)
    assert costs(rows, usage_frame, SEPTEMBER) == [6, 2, *[6] * (len(TIERS) - 2)]
    assert with_price(made, new("input_mtok=6", only=True, organization=organization), everyones) == made


def test_everyones_service_tiers_end_for_an_organization_with_prices_of_its_own_only(usage_frame: UsageFrame) -> None:
    own = with_price([], new("input_mtok=6", only=True, organization="acme"), KNOWN)
    assert costs([*KNOWN, *own], usage_frame, MAY) == [6] * len(TIERS)


def test_a_price_of_one_service_tier_or_of_some_hours_leaves_the_others(usage_frame: UsageFrame) -> None:
    for more in ({"service_tier": "flex", "free": True}, {"free": True, **NIGHTLY}):
        made = with_price(KNOWN, new(**more))
        PRICES.judge(KNOWN, made, ())
        assert costs(made, usage_frame, MAY)[1] == 4
        assert NO_RATES not in {each.unit for each in made}


def test_a_list_that_says_free_and_a_price_of_a_service_tier_means_both(usage_frame: UsageFrame) -> None:
    text = (
        "provider,model,unit,price_usd,effective_from,service_tier\n"
        "maker,large,free,,2027-05-01,\nmaker,large,input_mtok,2,2027-05-01,batch\n"
    )
    made = with_import(KNOWN, read_price_list(text.encode(), "free.csv"))
    assert costs(made, usage_frame, MAY)[:2] == ["free", 2]
    assert set(costs(made, usage_frame, MAY)[2:]) == {"free"}


def test_a_model_that_was_free_is_paid_again_at_the_standard_price(usage_frame: UsageFrame) -> None:
    free = with_price(KNOWN, new(free=True))
    made = with_price(free, new("input_mtok=7", start=JULY))
    assert costs(made, usage_frame, JULY) == [7] * len(TIERS)
    ended = with_end(made, "", "maker", "large", SEPTEMBER, "hand")
    assert costs(ended, usage_frame, SEPTEMBER) == ["unpriced"] * len(TIERS)
    assert sum(each.effective_from == SEPTEMBER for each in ended) == 1, "service tiers have ended already"


def test_service_tiers_that_have_ended_are_not_listed() -> None:
    made = with_price(KNOWN, new(free=True))
    (before,), (after,) = listed_models(made, MARCH), listed_models(made, MAY)
    assert {sheet.service_tier for sheet in before.sheets} == {"", "batch", "priority"}
    assert [(sheet.service_tier, sheet.is_free) for sheet in after.sheets] == [("", True)]
    assert after.standing == "free"


@pytest.mark.parametrize("price", [new(free=True), new("input_mtok=6", only=True)])
def test_the_ends_of_service_tiers_are_exported_and_read_again(price: NewPrice) -> None:
    made = with_price(KNOWN, price)
    text = write_csv(made)
    assert with_import(made, read_price_list(text.encode(), "all.csv")) == made


@pytest.mark.parametrize("word", ["free", "none"])
@pytest.mark.parametrize("organization", ["", "acme"])
def test_a_list_that_closes_one_service_tier_leaves_all_other_prices(
    usage_frame: UsageFrame, organization: str, word: str
) -> None:
    """Also later ones, and the same list again changes nothing."""
    later = [
        *TIERED,
        row("9", start=JULY),
        row("18", unit="output_mtok", start=JULY),
        row("2", "batch", start=SEPTEMBER),
    ]
    own, everyones = everybodys([replace(each, position=place) for place, each in enumerate(later)], organization)
    text = f"provider,model,service_tier,unit,price_usd,effective_from\nmaker,large,batch,{word},,2027-05-01\n"
    read = read_price_list(text.encode(), "batch.csv")
    listed = replace(read, rows=tuple(replace(each, organization=organization) for each in read.rows))
    made = with_import(own, listed, everyones=everyones)
    assert with_import(made, listed, everyones=everyones) == made
    PRICES.judge(own, made, everyones)
    before, after = [*everyones, *own], [*everyones, *made]
    assert costs(after, usage_frame, MARCH) == costs(before, usage_frame, MARCH)
    for month, hour in itertools.product((MAY, JULY, SEPTEMBER), (12, 20)):
        was, _, *others = costs(before, usage_frame, month, hour)
        closed = "free" if word == "free" else was
        assert costs(after, usage_frame, month, hour) == [was, closed, *others]


def listed(
    rows: Sequence[PriceRow], *lines: str, start: datetime | None = None, organization: str = ""
) -> list[PriceRow]:
    """The owner's rows with lines of a list: unit, USD, date, service tier, and perhaps both ends of a window; everyone
    has the standard prices. Refused where prices are."""
    own, everyones = (rows, STANDARD) if organization else (rows, [])
    header = "provider,model,unit,price_usd,effective_from,service_tier,daily_from,daily_to\n"
    text = "".join(f"maker,large,{line}{',' * (5 - line.count(','))}\n" for line in lines)
    read = read_price_list((header + text).encode(), "some.csv")
    said = replace(read, rows=tuple(replace(each, organization=organization) for each in read.rows))
    made = with_import(own, said, effective_from=start, everyones=everyones)
    PRICES.judge(own, made, everyones)
    PRICES.check(everyones or made, made if organization else [])
    assert with_import(made, said, effective_from=start, everyones=everyones) == made
    return made


@pytest.mark.parametrize("only", [False, True])
@pytest.mark.parametrize("start", [MAY, JULY])
def test_an_end_that_is_said_twice_ends_a_service_tier_for_good(
    usage_frame: UsageFrame, start: datetime, *, only: bool
) -> None:
    batch = new("input_mtok=5", organization="acme", service_tier="batch", only=only)
    ended = with_end(with_price([], batch, STANDARD), "acme", "maker", "large", start, "hand", STANDARD)
    assert with_end(ended, "acme", "maker", "large", start, "hand", STANDARD) == ended
    assert costs([*STANDARD, *ended], usage_frame, JULY) == [8] * len(TIERS)
    later = with_price(ended, new("input_mtok=9", start=SEPTEMBER, organization="acme"), STANDARD)
    assert costs([*STANDARD, *later], usage_frame, SEPTEMBER) == [9] * len(TIERS)


@pytest.mark.parametrize(("organization", "only"), [("", False), ("", True), ("acme", True)])
def test_a_price_of_a_service_tier_that_nothing_lies_under_is_refused(organization: str, *, only: bool) -> None:
    everyones = STANDARD if organization else []
    rows = with_price([], new("input_mtok=5", organization=organization), STANDARD) if organization else STANDARD
    ended = with_end(rows, organization, "maker", "large", JULY, "hand", everyones)
    batch = new("input_mtok=3", start=SEPTEMBER, organization=organization, service_tier="batch", only=only)
    with pytest.raises(PriceListRefused, match=r"no standard price.* from 2027-07-01 00:00:00 on.*set that first"):
        with_price(ended, batch, everyones)


def test_an_organizations_price_of_a_service_tier_takes_up_everyones_after_its_own_ended(
    usage_frame: UsageFrame,
) -> None:
    own = with_price([], new("input_mtok=5", organization="acme"), STANDARD)
    ended = with_end(own, "acme", "maker", "large", JULY, "hand", STANDARD)
    batch = new("input_mtok=3", start=SEPTEMBER, organization="acme", service_tier="batch")
    made = with_price(ended, batch, STANDARD)
    assert costs([*STANDARD, *made], usage_frame, SEPTEMBER) == [8, 3, 8, 8, 8]


@pytest.mark.parametrize("word", ["free", "none"])
def test_a_list_that_closes_one_service_tier_leaves_what_begins_later_in_another(
    usage_frame: UsageFrame, word: str
) -> None:
    rows = STANDARD
    for start, tier, usd in ((MAY, "batch", 15), (SEPTEMBER, "batch", 12), (MAY, "flex", 10)):
        rows = with_price(rows, new(f"input_mtok={usd}", start=start, service_tier=tier))
    made = listed(rows, f"{word},,2027-07-01,flex")
    assert [costs(made, usage_frame, at)[1] for at in (JULY, SEPTEMBER)] == [15, 12]


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("tier", ["", "batch"])
def test_hours_that_are_free_stay_so_beside_a_list(usage_frame: UsageFrame, organization: str, tier: str) -> None:
    own, everyones = everybodys(STANDARD, organization)
    of: dict[str, Any] = {"organization": organization, "service_tier": tier}
    rows = with_price(own, new(start=MARCH, free=True, **of, **NIGHTLY), everyones)
    rows = with_price(rows, new("input_mtok=30", start=JULY, **of), everyones)
    made = listed(rows, f"cache_read_mtok,5,2027-05-01,{tier}", organization=organization)
    place = TIERS.index(tier)
    for at in (MARCH, MAY, JULY):
        assert costs([*everyones, *made], usage_frame, at, 20)[place] == "free"
    assert costs([*everyones, *made], usage_frame, JULY)[place] == 30


def test_a_list_that_makes_some_hours_free_leaves_the_other_hours(usage_frame: UsageFrame) -> None:
    rows = with_price(STANDARD, new("input_mtok=30", start=JULY))
    made = listed(rows, "free,,2027-05-01,,16:30,00:30")
    assert [costs(made, usage_frame, at)[0] for at in (MAY, JULY)] == [8, 30]
    assert [costs(made, usage_frame, at, 20)[0] for at in (MAY, JULY)] == ["free", "free"]


def test_what_is_charged_before_a_list_ends_a_model_stays(usage_frame: UsageFrame) -> None:
    """Though the list closes a service tier earlier, or is asked for from an earlier date."""
    made = listed(STANDARD, "free,,,batch", "none,,2027-05-01,")
    assert costs(made, usage_frame, MARCH)[:2] == [8, "free"]
    assert costs(made, usage_frame, MAY)[0] == "unpriced"
    rows = with_price(STANDARD, new("input_mtok=52"))
    made = listed(rows, "free,,2027-07-01,", start=MARCH)
    assert [costs(made, usage_frame, at)[0] for at in (MARCH, MAY, JULY)] == [8, 52, "free"]


def test_a_price_of_a_service_tier_stays_beside_a_list_where_the_model_is_free_already(
    usage_frame: UsageFrame,
) -> None:
    rows = with_price(with_price(STANDARD, new(free=True, start=JULY)), new("input_mtok=3", service_tier="flex"))
    assert costs(rows, usage_frame, JULY)[TIERS.index("flex")] == 3
    made = listed(rows, "input_mtok,2,2027-05-01,batch")
    assert costs(made, usage_frame, JULY)[TIERS.index("flex")] == 3


@pytest.mark.parametrize("window", [{}, NIGHTLY])
@pytest.mark.parametrize("only", [False, True])
def test_a_list_that_ends_an_organizations_prices_gives_back_everyones(
    usage_frame: UsageFrame, window: dict[str, Any], *, only: bool
) -> None:
    batch = new("input_mtok=5", organization="acme", service_tier="batch", only=only, **window)
    own = with_price([], batch, STANDARD)
    made = listed(own, "none,,2027-07-01,", organization="acme")
    assert costs([*STANDARD, *made], usage_frame, MAY, 20)[:2] == [8, 5]
    for hour in (12, 20):
        assert costs([*STANDARD, *made], usage_frame, JULY, hour) == [8] * len(TIERS)
    (found,) = difference(own, made, STANDARD).prices
    assert (found.row.service_tier, found.row.unit, found.row.daily_from) == (
        "batch",
        "input_mtok",
        window.get("daily_from", ""),
    )
    assert [each and each.price_usd for each in (found.before, found.after)] == [Decimal(5), Decimal(8)]


def test_of_a_free_model_a_service_tier_has_only_the_prices_that_are_named(usage_frame: UsageFrame) -> None:
    made = with_price([replace(row("0", unit="free"), per=1)], new("input_mtok=2", service_tier="batch"))
    PRICES.judge([], made, ())
    assert costs(made, usage_frame, MAY)[:3] == ["free", 2, "free"]
    event = {"provider": "maker", "model": "large", "time": MAY, "service_tier": "batch"}
    frame = usage_frame([event | {"input_tokens": 10**6, "output_tokens": 10**6}])
    priced = PriceBook.from_rows(made, revision=1).price(frame)
    assert priced.select("cost_nano_usd", "cost_status").row(0) == (2 * 10**9, "priced")


def test_a_service_tier_that_ends_where_a_list_begins_has_ended(usage_frame: UsageFrame) -> None:
    rows = with_price(with_price(STANDARD, new("input_mtok=3", start=MARCH, service_tier="flex")), new(free=True))
    rows = with_price(rows, new("input_mtok=8", "output_mtok=16", only=True))
    made = listed(rows, "input_mtok,2,,batch", start=MAY)
    assert costs(made, usage_frame, MAY)[:3] == [8, 2, 8]
