"""llms.py's llms.json: `providers.<id>.pricing.<model>.{input,output}` and a default price for each provider.

As shipped its prices are texts in USD per token; as documented, numbers in USD per million. Nothing costs 1,000 USD
per million tokens or more, nor less than 0.001, so each price says itself which it is. The models of one provider must
agree: a price below 0.001 among others per million would be taken for 10^6 times as much.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from stream_jobs.pricing.exact_number import exact_number
from stream_jobs.pricing.imports.currencies import check_currencies, is_currency
from stream_jobs.pricing.imports.price_list import Reading
from stream_jobs.pricing.imports.provider_ids import provider_id
from stream_jobs.pricing.imports.rate_sheets import ModelRates, add_rows
from stream_jobs.pricing.price_row import ANY_MODEL

NAME: Final = "llms.json"

Convention: TypeAlias = Literal["per token", "per million"]

_MATCH_ANY: Final = '{"model": {"starts_with": ""}}'
_UNITS: Final = {"input": "input_mtok", "output": "output_mtok"}
_LEAST_PER_MILLION: Final = Decimal("0.001")


def is_llms_json(content: object) -> bool:
    """Whether a JSON value has this shape."""
    providers = content.get("providers") if isinstance(content, Mapping) else None
    return isinstance(providers, Mapping) and all(isinstance(said, Mapping) for said in providers.values())


def read_llms_json(content: Mapping[str, Any], reading: Reading, told: Convention | None = None) -> None:
    """Takes every price, a provider's default last; `told` overrides what the prices themselves suggest."""
    conventions: dict[Convention, list[str]] = {}
    for provider, said in content["providers"].items():
        place = f"providers.{provider}"
        pricing = said.get("pricing", {}) if isinstance(said, Mapping) else None
        if not isinstance(said, Mapping) or not isinstance(pricing, Mapping):
            reading.refuse(place, "it must be an object, and its `pricing` one of models and their prices")
            continue
        found: dict[Convention, list[str]] = {}
        for model, prices in pricing.items():
            if is_currency(model, prices):
                continue
            rates = ModelRates(provider_id(provider), model, model)
            _add(reading, f"{place}.pricing[{model!r}]", rates, prices, told, found)
        if default := said.get("default_pricing"):
            rates = ModelRates(provider_id(provider), ANY_MODEL, "any other model", _MATCH_ANY)
            _add(reading, f"{place}.default_pricing", rates, default, told, found)
        _compare(found, reading)
        for convention, places in found.items():
            conventions.setdefault(convention, []).extend(places)
    check_currencies(content, reading)
    if not reading.placed and not reading.problems:
        reading.refuse("providers", "none has a `pricing`; from version 3 on llms.py has its prices in providers.json")
    for convention, places in conventions.items():
        reading.note(f"{_models(len(places))} in USD {convention}, first {places[0]}")


def _compare(found: dict[Convention, list[str]], reading: Reading) -> None:
    """Refuses the prices of one provider when some look like one unit and some like the other."""
    if len(found) > 1:
        fewest = min(found, key=lambda convention: len(found[convention]))
        (others,) = set(found) - {fewest}
        reading.refuse(
            found[fewest][0],
            f"it looks like USD {fewest}, and {found[others][0]} like USD {others}; write both alike, or say which it"
            " is by the format llms-per-token or llms-per-million",
        )


def _add(
    reading: Reading,
    place: str,
    model: ModelRates,
    prices: object,
    told: Convention | None,
    conventions: dict[Convention, list[str]],
) -> None:
    if not isinstance(prices, Mapping):
        reading.refuse(place, "it is no object; write {input: 2.5, output: 10}")
        return
    for name in [name for name, value in prices.items() if name not in _UNITS and not is_currency(name, value)]:
        reading.leave_out(f"prices named {name!r}, for which llms.json has no unit", place)
    written = [number for name in _UNITS if (number := exact_number(prices.get(name))) is not None]
    if model.model == ANY_MODEL and written and not any(written):
        reading.leave_out("default prices of 0: models without a price stay unpriced, not free", place)
        return
    convention = told or _convention(written)
    if convention is None:
        reading.refuse(place, "one price looks like USD per token and one like USD per million; write both alike")
        return
    if any(written):
        conventions.setdefault(convention, []).append(place)
    shift = 6 if convention == "per token" else 0
    for name, unit in _UNITS.items():
        price = reading.price(prices[name], f"{place}.{name}", shift) if name in prices else None
        if price is not None:
            model.put(unit, price)
    add_rows(reading, place, model)


def _convention(prices: Sequence[Decimal]) -> Convention | None:
    """Which convention all prices above 0 follow; None when they disagree."""
    above_0 = [price for price in prices if price.is_finite() and price > 0]
    small = [price < _LEAST_PER_MILLION for price in above_0]
    if not any(small):
        return "per million"
    return "per token" if all(small) else None


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count:,} models"
