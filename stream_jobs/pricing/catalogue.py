"""The bundled catalogue of genai-prices as plain price rows: every provider, model, rule, date and tier.

Its variants by region and kind of search depend on what no event says: they are left out. A model that it
lists without any rate is free where it says so, and has no known price otherwise.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import Any, Final

import genai_prices.types as catalogue
from genai_prices.data import providers

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import ALWAYS, FREE, NO_RATES, PriceRow
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY

SOURCE = f"genai-prices {version('genai-prices')}"

_SAYS_FREE = re.compile(r"(^|[^\w-])free($|[^\w-])|included in the subscription", re.IGNORECASE)

_CONTEXTS: Final = {
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
"""What the catalogue calls each service tier: the facts of a request that choose its variants."""


@dataclass(frozen=True, slots=True)
class _Price:
    """Where and when a rate holds: what every row of one sheet shares."""

    provider: str
    model: str
    display_name: str
    match: str
    effective_from: datetime = ALWAYS
    daily_from: str = ""
    daily_to: str = ""
    service_tier: str = ""

    def row(self, position: int, unit: str, price_usd: Decimal, tier_start: int, source: str) -> PriceRow:
        return PriceRow(
            provider=self.provider,
            model=self.model,
            display_name=self.display_name,
            match=self.match,
            unit=unit,
            price_usd=price_usd,
            per=UNITS_BY_PRICE_KEY[unit].per if unit in UNITS_BY_PRICE_KEY else 1,
            position=position,
            source=source,
            tier_start=tier_start,
            effective_from=self.effective_from,
            daily_from=self.daily_from,
            daily_to=self.daily_to,
            service_tier=self.service_tier,
        )


def catalogue_rows() -> list[PriceRow]:
    """All rows of the bundled catalogue. Raises PriceListRefused as `rows_of` does."""
    return rows_of(providers, SOURCE)


def provider_rows() -> list[PriceRow]:
    """The rules of the bundled catalogue's providers alone."""
    return [
        _rules(provider).row(position, NO_RATES, Decimal(0), 0, SOURCE) for position, provider in enumerate(providers)
    ]


def rows_of(catalogued: Iterable[catalogue.Provider], source: str) -> list[PriceRow]:
    """All rows, in the catalogue's order, which its matching depends on.

    Raises PriceListRefused when a new version of the catalogue says something these rows cannot.
    """
    return [
        sheet.row(position, unit, price_usd, tier_start, source)
        for position, (sheet, unit, price_usd, tier_start) in enumerate(_prices(catalogued))
    ]


def _prices(catalogued: Iterable[catalogue.Provider]) -> Iterator[tuple[_Price, str, Decimal, int]]:
    for provider in catalogued:
        yield _rules(provider), NO_RATES, Decimal(0), 0
        for model in provider.models:
            for sheet, prices in _sheets(provider.id, model):
                for unit, price_usd, tier_start in _rates(model, prices):
                    yield sheet, unit, price_usd, tier_start
            for sheet, prices in _service_tier_sheets(provider.id, model):
                for unit, price_usd, tier_start in _rates(model, prices):
                    yield sheet, unit, price_usd, tier_start


def _rules(provider: catalogue.Provider) -> _Price:
    rules = {
        "provider": provider.provider_match and _clause(provider.provider_match),
        "model": provider.model_match and _clause(provider.model_match),
        "fallback": provider.fallback_model_providers or [],
    }
    return _Price(provider.id, "", provider.name, json.dumps(rules))


def _sheets(provider: str, model: catalogue.ModelInfo) -> Iterator[tuple[_Price, catalogue.ModelPrice]]:
    """Each dated price of a model, later ones taking precedence; the first holds when no other does."""
    match = json.dumps({"model": _clause(model.match)})
    name = model.name or model.id
    if isinstance(model.prices, catalogue.ModelPrice):
        yield _Price(provider, model.id, name, match), model.prices
        return
    for index, dated in enumerate(model.prices):
        constraint = dated.constraint if index else None
        if isinstance(constraint, catalogue.StartDateConstraint):
            start = datetime.combine(constraint.start_date, time(), UTC)
            yield _Price(provider, model.id, name, match, effective_from=start), dated.prices
        elif isinstance(constraint, catalogue.TimeOfDateConstraint):
            daily_from, daily_to = _utc(constraint.start_time), _utc(constraint.end_time)
            yield (
                _Price(provider, model.id, name, match, daily_from=daily_from, daily_to=daily_to),
                dated.prices,
            )
        else:
            yield _Price(provider, model.id, name, match), dated.prices


def _service_tier_sheets(provider: str, model: catalogue.ModelInfo) -> Iterator[tuple[_Price, catalogue.ModelPrice]]:
    """Each dated price of each service tier. Of several variants the first that names a price holds for it."""
    match, name = json.dumps({"model": _clause(model.match)}), model.name or model.id
    for tier, context in _CONTEXTS.items():
        variants = [
            (_start(model, variant), variant.prices)
            for variant in model.price_variants or ()
            if all(context.get(key) == value for key, value in variant.when.items())
        ]
        for start in sorted({start for start, _ in variants}):
            prices: dict[str, Any] = {}
            for began, variant_prices in reversed(variants):
                if began <= start:
                    prices |= {unit: price for unit, price in vars(variant_prices).items() if price is not None}
            if prices:
                sheet = _Price(provider, model.id, name, match, effective_from=start, service_tier=tier)
                yield sheet, catalogue.ModelPrice(**prices)


def _start(model: catalogue.ModelInfo, variant: catalogue.PriceVariant) -> datetime:
    if isinstance(variant.constraint, catalogue.TimeOfDateConstraint):
        raise PriceListRefused(f"{model.id}: prices of {variant.when} hold at times of day, which is not known yet")
    return ALWAYS if variant.constraint is None else datetime.combine(variant.constraint.start_date, time(), UTC)


def _rates(model: catalogue.ModelInfo, prices: catalogue.ModelPrice) -> Iterator[tuple[str, Decimal, int]]:
    rates = {unit: price for unit, price in vars(prices).items() if price is not None}
    if not rates:
        yield (FREE if _is_called_free(model) else NO_RATES), Decimal(0), 0
    for unit, price in rates.items():
        if isinstance(price, catalogue.TieredPrices):
            yield unit, price.base, 0
            for tier in price.tiers:
                if tier.start <= 0:
                    raise PriceListRefused(f"{model.id}: {unit} has a tier from {tier.start} tokens, which is its base")
                yield unit, tier.price, tier.start
        else:
            yield unit, price, 0


def _is_called_free(model: catalogue.ModelInfo) -> bool:
    words = (model.id.replace(":", " "), model.name, model.description, model.price_comments)
    return any(_SAYS_FREE.search(text) for text in words if text)


def _utc(moment: time) -> str:
    on_some_day = datetime.combine(ALWAYS, moment)
    return (on_some_day if moment.tzinfo is None else on_some_day.astimezone(UTC)).strftime("%H:%M:%S")


def _clause(rule: catalogue.MatchLogic) -> dict[str, Any]:
    if isinstance(rule, catalogue.ClauseOr):
        return {"or": [_clause(part) for part in rule.or_]}
    if isinstance(rule, catalogue.ClauseAnd):
        return {"and": [_clause(part) for part in rule.and_]}
    return dict(vars(rule))
