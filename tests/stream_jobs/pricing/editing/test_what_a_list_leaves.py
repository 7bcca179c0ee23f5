"""A list changes what it names, from its date on; all else costs what it did, by whatever entry a name is priced."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any

import pytest

from stream_jobs.additions import multiplier_rows, shipped_additions
from stream_jobs.configuring.ledger import PRICES
from stream_jobs.credits import MultiplierTable
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.editing.listed import with_list
from stream_jobs.pricing.editing.price import NewPrice, with_price
from stream_jobs.pricing.editing.rate import Rate, read_rate
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.imports.known_list import with_import
from stream_jobs.pricing.price_row import ALWAYS, NO_RATES
from tests.stream_jobs.pricing.conftest import UsageFrame

SHIPPED = [row for row in catalogue_rows() if row.provider in ("openai", "anthropic", "aws")]
JULY = datetime(2027, 7, 1, tzinfo=UTC)
BEFORE, AFTER = JULY - timedelta(seconds=1), JULY + timedelta(days=30)
ALIAS = "gpt-4o-2024-08-06"


def imported(
    rows: Sequence[PriceRow],
    text: str,
    start: datetime | None = None,
    organization: str = "",
    everyones: Sequence[PriceRow] = (),
) -> list[PriceRow]:
    """The owner's rows with a file, as people import it."""
    listed = read_price_list(text.encode(), "list")
    own = replace(listed, rows=tuple(replace(row, organization=organization) for row in listed.rows))
    made = with_import(rows, own, effective_from=start, everyones=everyones)
    PRICES.judge(rows, made, everyones)
    return made


def usd(rows: Sequence[PriceRow], usage_frame: UsageFrame, at: datetime, model: str = ALIAS, **more: Any) -> object:
    """What acme pays for a million input tokens, else for what is named; with its status unless it is priced."""
    event = {"provider": "openai", "model": model, "time": at, "organization": "acme"}
    usage = more if any(name.endswith("tokens") for name in more) else {"input_tokens": 10**6, **more}
    priced = PriceBook.from_rows(rows, revision=1).price(usage_frame([event | usage]))
    cost, status = priced.select("cost_nano_usd", "cost_status").row(0)
    return cost / 10**9 if status == "priced" else status


HEADER = "provider,model,unit,price_usd,effective_from\n"


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize(("cell", "start"), [("2027-07-01", None), ("", JULY), ("", None)])
def test_what_a_list_does_not_name_goes_on_for_a_name_that_another_entry_prices(
    usage_frame: UsageFrame, organization: str, cell: str, start: datetime | None
) -> None:
    owned, everyones = ([], SHIPPED) if organization else (SHIPPED, [])
    text = f"{HEADER}openai,{ALIAS},input_mtok,3,{cell}\n"
    own = imported(owned, text, start, organization, everyones)
    rows = [*everyones, *own]
    assert usd(rows, usage_frame, AFTER) == 3
    assert usd(rows, usage_frame, BEFORE) == (2.5 if cell or start else 3)
    for at in (BEFORE, AFTER):
        assert usd(rows, usage_frame, at, output_tokens=10**6) == 10
        assert usd(rows, usage_frame, at, cache_read_tokens=10**6) == 1.25
        assert usd(rows, usage_frame, at, service_tier="batch") == 1.25
        assert usd(rows, usage_frame, at, "gpt-4o") == 2.5
    assert imported(own, text, start, organization, everyones) == own


LITELLM = """{
    "gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 3e-6, "output_cost_per_token": 12e-6,
        "cache_read_input_token_cost": 1.5e-6, "input_cost_per_token_batches": 1.4e-6},
    "gpt-4o-2024-08-06": {"litellm_provider": "openai", "input_cost_per_token": 3e-6, "output_cost_per_token": 12e-6},
    "claude-3-7-sonnet-20250219": {"litellm_provider": "anthropic", "input_cost_per_token": 3e-6},
    "us.anthropic.claude-3-7-sonnet-20250219-v1:0": {"litellm_provider": "bedrock_converse",
        "input_cost_per_token": 3e-6}
}"""


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("start", [None, JULY])
def test_a_list_with_a_name_and_what_prices_it_changes_nothing_the_second_time(
    usage_frame: UsageFrame, organization: str, start: datetime | None
) -> None:
    owned, everyones = ([], SHIPPED) if organization else (SHIPPED, [])
    own = imported(owned, LITELLM, start, organization, everyones)
    rows = [*everyones, *own]
    assert usd(rows, usage_frame, AFTER, cache_read_tokens=10**6) == 1.25
    assert usd(rows, usage_frame, AFTER, service_tier="batch") == 1.25
    assert imported(own, LITELLM, start, organization, everyones) == own


@pytest.mark.parametrize("start", [None, JULY])
def test_a_list_changes_no_credits(usage_frame: UsageFrame, start: datetime | None) -> None:
    multipliers = MultiplierTable(1, multiplier_rows(shipped_additions()))
    names = [
        ("openai", ALIAS),
        ("anthropic", "claude-3-7-sonnet-20250219"),
        ("bedrock", "us.anthropic.claude-3-7-sonnet-20250219-v1:0"),
    ]
    frame = usage_frame(
        [{"provider": provider, "model": model, "time": AFTER, "input_tokens": 9} for provider, model in names]
    )

    def counted(rows: Sequence[PriceRow]) -> list[tuple[object, ...]]:
        priced = PriceBook.from_rows(rows, revision=1).price(frame)
        return multipliers.credit(priced).select("priced_as", "credits_micro").rows()

    before = counted(SHIPPED)
    assert [micro for _, micro in before] == [2_000_000, 2_500_000, 2_500_000]
    assert counted(imported(SHIPPED, LITELLM, start)) == before
    always = NewPrice("openai", ALIAS, (read_rate("input_mtok=2"),), ALWAYS, "hand")
    assert counted(with_price(SHIPPED, always)) == before


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("start", [None, JULY])
def test_a_default_price_of_a_table_is_for_any_other_model(
    usage_frame: UsageFrame, organization: str, start: datetime | None
) -> None:
    owned, everyones = ([], SHIPPED) if organization else (SHIPPED, [])
    text = "provider,model,unit,price_usd\nopenai,*,input_mtok,1\n"
    own = imported(owned, text, start, organization, everyones)
    assert usd([*everyones, *own], usage_frame, AFTER, "never-heard-of") == 1
    assert usd([*everyones, *own], usage_frame, AFTER) == 2.5
    forgotten = [replace(row, match="") if row.model == "*" else row for row in own]
    assert imported(forgotten, text, start, organization, everyones) == own, "one without a rule gets it again"


DATED = [
    PriceRow("openai", "gpt-x", "X", "", unit, Decimal(usd), 10**6, place, "catalogue 1", 0, start, service_tier=tier)
    for place, (unit, usd, start, tier) in enumerate(
        [
            ("input_mtok", "2", ALWAYS, ""),
            ("output_mtok", "8", ALWAYS, ""),
            ("input_mtok", "3", JULY, ""),
            ("output_mtok", "9", JULY, ""),
            ("output_mtok", "4", JULY, "batch"),
        ]
    )
]


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("start", [None, BEFORE])
def test_what_is_not_named_keeps_its_dates(usage_frame: UsageFrame, organization: str, start: datetime | None) -> None:
    owned, everyones = ([], DATED) if organization else (DATED, [])
    text = "provider,model,unit,price_usd\nopenai,gpt-x,input_mtok,1\n"
    own = imported(owned, text, start, organization, everyones)
    rows = [*everyones, *own]
    assert [usd(rows, usage_frame, at, "gpt-x") for at in (BEFORE, AFTER)] == [1, 1]
    assert [usd(rows, usage_frame, at, "gpt-x", output_tokens=10**6) for at in (BEFORE, AFTER)] == [8, 9]
    assert usd(rows, usage_frame, AFTER, "gpt-x", output_tokens=10**6, service_tier="batch") == 4
    assert imported(own, text, start, organization, everyones) == own


@pytest.mark.parametrize("organization", ["", "acme"])
def test_what_is_not_named_goes_on_until_a_list_ends(usage_frame: UsageFrame, organization: str) -> None:
    owned, everyones = ([], DATED) if organization else (DATED, [])
    text = "provider,model,unit,price_usd,effective_to\nopenai,gpt-x,input_mtok,1,2027-07-20\n"
    rows = [*everyones, *imported(owned, text, None, organization, everyones)]
    in_july = JULY + timedelta(days=9)
    assert [usd(rows, usage_frame, at, "gpt-x") for at in (BEFORE, in_july)] == [1, 1]
    assert usd(rows, usage_frame, in_july, "gpt-x", output_tokens=10**6) == 9
    assert usd(rows, usage_frame, in_july, "gpt-x", output_tokens=10**6, service_tier="batch") == 4
    assert usd(rows, usage_frame, AFTER, "gpt-x") == (3 if organization else "unpriced")


DAYTIME: Any = {"daily_from": "08:00:00", "daily_to": "12:00:00"}


def test_hours_of_a_service_tier_go_on_under_a_later_standard_window(usage_frame: UsageFrame) -> None:
    flex = replace(DATED[0], price_usd=Decimal(1), service_tier="flex", effective_from=BEFORE, **DAYTIME)
    dear = replace(DATED[0], price_usd=Decimal(7), effective_from=JULY, **DAYTIME)
    output = replace(DATED[1], effective_from=JULY, **DAYTIME)
    everyones = [replace(row, position=place) for place, row in enumerate([*DATED[:2], flex, dear, output])]
    text = "provider,model,unit,price_usd,service_tier,daily_from,daily_to\n"
    text += "openai,gpt-x,output_mtok,4,batch,08:00:00,12:00:00\n"
    start, morning = BEFORE - timedelta(days=9), AFTER.replace(hour=10)
    own = imported([], text, start, "acme", everyones)
    for made in (own, imported(own, text, start, "acme", everyones)):
        rows = [*everyones, *made]
        assert usd(rows, usage_frame, morning, "gpt-x", service_tier="flex") == 1
        assert usd(rows, usage_frame, morning, "gpt-x") == 7
        assert made == own


@pytest.mark.parametrize("organization", ["", "acme"])
@pytest.mark.parametrize("start", [None, BEFORE])
@pytest.mark.parametrize(
    ("known", "lines"),
    [
        (4, ",2027-06-01,22:00:00,06:00:00\nopenai,gpt-x,input_mtok,4,,,08:00:00,12:00:00"),
        (2, "flex,2027-08-01,,\nopenai,gpt-x,input_mtok,4,flex,2027-06-01,08:00:00,12:00:00"),
    ],
)
def test_a_list_whose_later_dates_stand_first_changes_nothing_the_second_time(
    organization: str, start: datetime | None, known: int, lines: str
) -> None:
    owned, everyones = ([], DATED[:known]) if organization else (DATED[:known], [])
    header = "provider,model,unit,price_usd,service_tier,effective_from,daily_from,daily_to\n"
    text = f"{header}openai,gpt-x,input_mtok,3,{lines}\n"
    own = imported(owned, text, start, organization, everyones)
    assert imported(own, text, start, organization, everyones) == own


def test_hours_of_a_list_end_no_service_tier_that_has_ended_already() -> None:
    flex = replace(DATED[0], price_usd=Decimal(1), service_tier="flex", position=2, **DAYTIME)
    ended = replace(DATED[0], unit=NO_RATES, price_usd=Decimal(0), per=1, effective_from=AFTER, position=3)
    everyones = [*DATED[:2], flex, ended]
    own = [replace(DATED[2], organization="acme")]
    text = "provider,model,unit,price_usd,service_tier,effective_from,daily_from,daily_to\n"
    text += "openai,gpt-x,output_mtok,4,batch,,,\nopenai,gpt-x,input_mtok,5,,2027-09-01,22:00:00,06:00:00\n"
    start = BEFORE - timedelta(days=9)
    made = imported(own, text, start, "acme", everyones)
    assert imported(made, text, start, "acme", everyones) == made


MONTHS = [datetime(2025, month, 1, tzinfo=UTC) for month in range(1, 13, 2)]
FAMILY, NAMED, ROUTED = ("maker", "large"), ("maker", "large-2025"), ("seller", "large")
NAMES, TIERS, HOURS = (FAMILY, NAMED, ROUTED), ("", "batch"), (12, 22)
UNITS = {"input_mtok": "input_tokens", "output_mtok": "output_tokens"}
PROBES = list(product(NAMES, TIERS, UNITS, MONTHS, HOURS))
NIGHT = {"daily_from": "20:00:00", "daily_to": "04:00:00"}
SELLER = '{"provider": {"equals": "seller"}, "model": null, "fallback": ["maker"]}'


def base(chance: Random) -> list[PriceRow]:
    """A maker's family of models, some dated, some cheaper at night or in batches; and one who sells them."""
    rows = [PriceRow("seller", "", "Seller", SELLER, "", Decimal(0), 1, 0, "catalogue 1")]
    times: list[tuple[datetime, str, dict[str, Any]]] = [
        (ALWAYS, "", {}),
        (ALWAYS, "", NIGHT),
        (MONTHS[3], "", {}),
        (MONTHS[2], "batch", {}),
    ]
    for start, tier, window in times:
        if (start, tier, window) != (ALWAYS, "", {}) and chance.random() < 0.4:
            continue
        rows += [
            PriceRow(
                *("maker", "large", "Large", '{"model": {"starts_with": "large"}}', unit),
                *(Decimal(chance.randrange(11, 99)), 10**6, len(rows) + place, "catalogue 1"),
                effective_from=start,
                service_tier=tier,
                **window,
            )
            for place, unit in enumerate(UNITS)
        ]
    return rows


def costs(rows: list[PriceRow], usage_frame: UsageFrame, organization: str) -> dict[tuple[Any, ...], Any]:
    """What a million of each unit costs by name, tier, month and hour, and what it is priced as."""
    events = [
        {
            **{"organization": organization, "provider": name[0], "model": name[1], "service_tier": tier},
            **{"time": month.replace(hour=hour), UNITS[unit]: 10**6},
        }
        for name, tier, unit, month, hour in PROBES
    ]
    priced = PriceBook.from_rows(rows, revision=1).price(usage_frame(events))
    found = priced.select("cost_nano_usd", "cost_status", "priced_as").rows()
    return {probe: (Decimal(cost) / 10**9, *said) for probe, (cost, *said) in zip(PROBES, found, strict=True)}


@pytest.mark.parametrize("seed", range(40))
def test_lists_and_prices_in_any_order_change_what_they_name(usage_frame: UsageFrame, seed: int) -> None:
    chance = Random(seed)
    shared, own = base(chance), list[PriceRow]()
    for step in range(4):
        # What an organization has agreed to for a model holds for its routes too, so each seed has one kind of owner.
        owner = "acme" if seed % 2 and step else ""
        rows, everyones = (own, shared) if owner else (shared, [])
        name, unit = chance.choice(NAMES[: 3 - seed % 2]), chance.choice(list(UNITS))
        start, is_set = chance.choice([None, *MONTHS]), chance.random() < 0.3
        usd = Decimal(chance.randrange(11, 99))
        before = costs([*shared, *own], usage_frame, owner)
        if is_set:
            window: Any = NIGHT if chance.random() < 0.4 else {}
            tier, at = chance.choice(TIERS), start or MONTHS[0]
            price = NewPrice(*name, (Rate(unit, usd),), at, "hand", owner, service_tier=tier, **window)
            try:
                made = with_price(rows, price, everyones)
                PRICES.judge(rows, made, everyones)
            except PriceListRefused:
                continue
            later = [row.effective_from for row in (*shared, *own) if row.effective_from > at]
            until = min(later, default=AFTER)
            check_set(price, until, before, costs([*everyones, *made], usage_frame, owner))
        else:
            listed = [PriceRow(*name, name[1], "", unit, usd, 10**6, 0, "CSV list", organization=owner)]
            made = with_list(rows, listed, effective_from=start, everyones=everyones)
            PRICES.judge(rows, made, everyones)
            assert with_list(made, listed, effective_from=start, everyones=everyones) == made
            check(name, unit, usd, start or ALWAYS, before, costs([*everyones, *made], usage_frame, owner))
        shared, own = (shared, made) if owner else (made, own)


def check(
    name: tuple[str, str],
    unit: str,
    usd: Decimal,
    start: datetime,
    before: dict[tuple[Any, ...], Any],
    after: dict[tuple[Any, ...], Any],
) -> None:
    """Only the standard price of the unit may have changed, and by day it has: from the date on, for the name."""
    for probe in PROBES:
        of, tier, of_unit, month, hour = probe
        assert after[probe][2] == before[probe][2], (probe, "priced as")
        if month < start or (of == name and of_unit != unit) or (name != FAMILY and of != name):
            assert after[probe] == before[probe], probe
        elif of == name and not tier and hour == 12:
            assert after[probe][:2] == (usd, "priced"), probe
        elif of == name:
            assert after[probe][0] in (before[probe][0], usd), probe


def check_set(
    price: NewPrice, until: datetime, before: dict[tuple[Any, ...], Any], after: dict[tuple[Any, ...], Any]
) -> None:
    """What is not named costs what it did until something else changes: other units, service tiers and hours."""
    said = ((price.provider, price.model), price.service_tier, price.effective_from)
    for probe in PROBES:
        name, tier, unit, month, hour = probe
        is_other = unit != price.rates[0].unit or (price.service_tier and not tier) or (price.daily_from and hour == 12)
        if month < price.effective_from or (month < until and name == (price.provider, price.model) and is_other):
            assert after[probe] == before[probe], (probe, price)
        elif (name, tier, month, hour) == (*said, 22 if price.daily_from else 12):
            assert after[probe][:2] == (price.rates[0].price_usd, "priced"), (probe, price)


@pytest.mark.parametrize("organization", ["", "acme"])
def test_a_list_that_only_makes_a_context_tier_marginal_is_taken(usage_frame: UsageFrame, organization: str) -> None:
    known = [*DATED[:1], replace(DATED[0], price_usd=Decimal(4), tier_start=200_000, position=1)]
    owned, everyones = ([], known) if organization else (known, [])
    header = "provider,model,unit,price_usd,effective_from,tier_start,marginal\n"
    lines = "openai,gpt-x,input_mtok,2,2027-07-01,,\nopenai,gpt-x,input_mtok,4,2027-07-01,200000,yes\n"
    made = imported(owned, header + lines, None, organization, everyones)
    assert [usd([*everyones, *made], usage_frame, at, "gpt-x") for at in (BEFORE, AFTER)] == [4, 3.6]
