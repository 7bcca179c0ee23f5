"""The rates of one model as other lists give them: prices by service tier, context length and unit in, rows out."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from stream_jobs.pricing.imports.price_list import Reading
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.units import UNITS, UNITS_BY_PRICE_KEY, missing_join

STANDARD = ""

Rates: TypeAlias = dict[str, Decimal]
"""USD by price key, for the number of units that the key's unit is priced for."""

_UNIT_BY_DIMENSIONS = {unit.dimensions: unit for unit in UNITS.values()}


@dataclass(slots=True)
class ModelRates:
    """What a list says of one model's prices, before it becomes rows."""

    provider: str
    model: str
    display_name: str
    match: str = ""
    rates: dict[str, dict[int, Rates]] = field(default_factory=dict)
    """By service tier, then by the context length above which they hold (0: from the first token)."""

    def put(self, unit: str, price_usd: Decimal, tier_start: int = 0, service_tier: str = STANDARD) -> None:
        """Sets one price; a later one for the same thing takes its place."""
        self.rates.setdefault(service_tier, {}).setdefault(tier_start, {})[unit] = price_usd

    @property
    def is_all_zero(self) -> bool:
        """True when it has prices, and each of them is 0."""
        prices = [price for tiers in self.rates.values() for rates in tiers.values() for price in rates.values()]
        return bool(prices) and not any(prices)


def add_rows(reading: Reading, place: str, model: ModelRates) -> None:
    """Takes a model's prices as rows: the standard service first, each with its tiers ascending.

    A row stands where a price differs from the tier below. What a service tier leaves out is filled with the
    standard price, so that its rows say everything themselves.
    """
    standard = model.rates.get(STANDARD, {})
    for service_tier in sorted(model.rates):
        said = model.rates[service_tier]
        below: Rates = {}
        for tier_start in sorted({0, *standard, *said}):
            rates = _up_to(standard, tier_start) | _up_to(said, tier_start)
            if service_tier != STANDARD:
                _tell_lower(reading, model, service_tier, tier_start)
            _fill_joins(reading, model, rates)
            for unit, price_usd in rates.items():
                if below.get(unit) != price_usd:
                    reading.add(place, _row(reading, model, unit, price_usd, tier_start, service_tier))
            below = rates


def _row(reading: Reading, model: ModelRates, unit: str, price_usd: Decimal, tier: int, service_tier: str) -> PriceRow:
    return PriceRow(
        provider=model.provider,
        model=model.model,
        display_name=model.display_name,
        match=model.match,
        unit=unit,
        price_usd=price_usd,
        per=UNITS_BY_PRICE_KEY[unit].per,
        position=0,
        source=reading.source,
        tier_start=tier,
        service_tier=service_tier,
    )


def _up_to(tiers: dict[int, Rates], tier_start: int) -> Rates:
    """The rates of all tiers up to this one, the higher taking the place of the lower."""
    reached: Rates = {}
    for start in sorted(tiers):
        if start <= tier_start:
            reached |= tiers[start]
    return reached


def _tell_lower(reading: Reading, model: ModelRates, service_tier: str, tier_start: int) -> None:
    """Says where only the standard price knows a context length: that of the service tier is then below it."""
    standard, said = model.rates.get(STANDARD, {}), model.rates[service_tier]
    for unit in standard.get(tier_start, {}):
        if tier_start and unit in _up_to(said, tier_start - 1) and unit not in said.get(tier_start, {}):
            reading.remark(
                f"{unit} of {service_tier} calls, which the list prices by itself, has no price of its own above"
                f" {tier_start:,} tokens as the standard one has: it stays the same there",
                f"{model.provider}/{model.model}",
            )


def _fill_joins(reading: Reading, model: ModelRates, rates: Rates) -> None:
    """Prices usage that two units share (cached audio) at the dearer of the two, and says so.

    Lists that know no such unit leave it open; a discount that nobody has stated is not assumed.
    """
    if not all(price.is_finite() for price in rates.values()):
        return  # nothing is dearer than NaN; the row is refused
    while pair := missing_join(frozenset(UNITS_BY_PRICE_KEY[key] for key in rates)):
        joined = _UNIT_BY_DIMENSIONS.get(pair[0].dimensions | pair[1].dimensions)
        if joined is None:
            return  # the finished rows are refused for it
        rates[joined.price_key] = max(rates[unit.price_key] for unit in pair)
        reading.remark(
            f"{joined.price_key}, which the list does not price, costs the dearer of {pair[0].price_key} and"
            f" {pair[1].price_key}",
            f"{model.provider}/{model.model}",
        )
