"""A price that is set changes what it names, from its date on; all else costs what it did."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from random import Random

import pytest

from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.rate import Rate
from tests.stream_jobs.pricing.conftest import UsageFrame

MONTHS = [datetime(2025, month, 1, tzinfo=UTC) for month in range(1, 13)]
FAMILY, NAMED = ("maker", "large"), ("maker", "large-2025")
UNITS = {"input_mtok": "input_tokens", "output_mtok": "output_tokens"}
TIERS = ("", "batch")
PROBES = list(product((FAMILY, NAMED), TIERS, UNITS, MONTHS))


def base() -> list[PriceRow]:
    """A family of models with prices from the beginning, batch rates and a price of its own date."""
    of_time = [(datetime(1970, 1, 1, tzinfo=UTC), 1), (MONTHS[6], 2)]
    rates = [("", "input_mtok", 20), ("", "output_mtok", 80), ("batch", "input_mtok", 10), ("batch", "output_mtok", 40)]
    return [
        PriceRow(
            *("maker", "large", "Large", '{"model": {"starts_with": "large"}}', unit, Decimal(usd * factor), 10**6),
            position=number,
            source="list",
            effective_from=start,
            service_tier=tier,
        )
        for number, ((start, factor), (tier, unit, usd)) in enumerate(product(of_time, rates))
    ]


def costs(rows: list[PriceRow], usage_frame: UsageFrame, organization: str) -> dict[tuple[object, ...], Decimal | None]:
    """What a million of each unit costs, at each time, by each name and tier; None without a price."""
    events = [
        {
            **{"organization": organization, "provider": name[0], "model": name[1], "service_tier": tier},
            **{"time": month + timedelta(days=9), UNITS[unit]: 10**6},
        }
        for name, tier, unit, month in PROBES
    ]
    priced = PriceBook.from_rows(rows, revision=1).price(usage_frame(events))
    found = priced.select("cost_nano_usd", "cost_status").rows()
    return {
        probe: Decimal(cost) / 10**9 if status == "priced" else None
        for probe, (cost, status) in zip(PROBES, found, strict=True)
    }


Costs = dict[tuple[object, ...], Decimal | None]


def check_end(name: tuple[str, str], start: datetime, before: Costs, after: Costs, usual: Costs) -> None:
    """Before the end of an organisation's only prices nothing changes; from then on it pays what everyone does."""
    for probe in PROBES:
        if probe[3] < start:
            assert after[probe] == before[probe], probe
        elif probe[0] == name:
            assert after[probe] == usual[probe], probe


def check_price(price: NewPrice, until: datetime, before: Costs, after: Costs) -> None:
    """Only the unit and tier that are named change, from the date until something else changes."""
    name, (rate,) = (price.provider, price.model), price.rates
    for probe in PROBES:
        at_name, tier, unit, month = probe
        if month < price.effective_from or (at_name, name) == (FAMILY, NAMED):
            assert after[probe] == before[probe], (probe, price)
        elif at_name != name or month >= until:
            continue
        elif (tier, unit) == (price.service_tier, rate.unit):
            assert after[probe] == rate.price_usd, (probe, price)
        elif unit != rate.unit or (tier != price.service_tier and price.service_tier):
            assert after[probe] == before[probe], (probe, price)


@pytest.mark.parametrize("seed", range(60))
def test_what_is_not_named_costs_what_it_did(usage_frame: UsageFrame, seed: int) -> None:
    chance = Random(seed)
    shared, own = base(), list[PriceRow]()
    for _ in range(5):
        owner = chance.choice(["", "acme", "acme"])
        name, tier, start = chance.choice([FAMILY, NAMED]), chance.choice(TIERS), chance.choice(MONTHS)
        rows = own if owner else shared
        before = costs([*shared, *own], usage_frame, owner)
        dates = {row.effective_from for row in own}
        if owner and {(row.provider, row.model) for row in own} == {name} and max(dates) < start:
            own = with_end(own, owner, *name, start, "hand")
            after, usual = costs([*shared, *own], usage_frame, owner), costs(shared, usage_frame, "")
            check_end(name, start, before, after, usual)
            continue
        price = NewPrice(
            *name,
            (Rate(chance.choice(list(UNITS)), Decimal(chance.randrange(11, 99))),),
            start,
            "hand",
            owner,
            service_tier=tier,
        )
        made = with_price(rows, price, shared if owner else ())
        shared, own = (shared, made) if owner else (made, own)
        # Rates that are not named are taken over as they are on the date, whatever else changes later.
        changes = (*(row.effective_from for row in (*shared, *own)), datetime.max.replace(tzinfo=UTC))
        until = min(later for later in changes if later > start)
        check_price(price, until, before, costs([*shared, *own], usage_frame, owner))
