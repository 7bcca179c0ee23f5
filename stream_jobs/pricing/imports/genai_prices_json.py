"""genai-prices' data.json: a newer catalogue than the bundled one, taken without a release of ours.

The prices are looked at with their places first; the rest is read as the bundled catalogue is, by the package's own
types and the same rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import genai_prices.types as catalogue
from pydantic import ConfigDict, TypeAdapter, ValidationError

from stream_jobs.pricing.catalogue import rows_of
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports.currencies import check_currencies, is_currency
from stream_jobs.pricing.imports.price_list import Reading
from stream_jobs.pricing.match import predicate
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY

NAME: Final = "genai-prices"

_PROVIDERS: Final = TypeAdapter(
    list[catalogue.Provider], config=ConfigDict(defer_build=True, arbitrary_types_allowed=True)
)
_TIERED: Final = TypeAdapter(catalogue.TieredPrices)


def is_genai_prices(content: object) -> bool:
    """Whether a JSON value has this shape."""
    return isinstance(content, list) and any(
        isinstance(provider, Mapping) and isinstance(provider.get("models"), list) for provider in content
    )


def read_genai_prices(content: list[Any], reading: Reading) -> None:
    """Takes every row of the catalogue, in its order. Units that only a newer release knows are left out."""
    known = [_with_known_units(provider, f"[{index}]", reading) for index, provider in enumerate(content)]
    check_currencies(content, reading)
    if reading.problems:
        return
    try:
        providers = _PROVIDERS.validate_python(known)
    except ValidationError as problem:
        for error in problem.errors():
            reading.refuse(_path(error["loc"]), f"{error['msg']}; correct the file, or take a newer release of ours")
        return
    try:
        rows = list(_placed_rows(providers, reading.source))
    except PriceListRefused as refused:
        reading.problems.extend(refused.problems)
        return
    for place, row in rows:
        reading.add(place, row)


def _placed_rows(providers: Sequence[catalogue.Provider], source: str) -> Iterator[tuple[str, PriceRow]]:
    """Every row with the path of its provider or model. Raises PriceListRefused as `rows_of` does."""
    for index, provider in enumerate(providers):
        yield from ((f"[{index}] ({provider.id})", row) for row in rows_of([replace(provider, models=[])], source))
        for number, model in enumerate(provider.models):
            _, *rows = rows_of([replace(provider, models=[model])], source)
            yield from ((f"[{index}].models[{number}] ({model.id})", row) for row in rows)


def _with_known_units(provider: Any, place: str, reading: Reading) -> Any:
    """The provider with each set of prices as the package's own type."""
    if not isinstance(provider, Mapping) or not isinstance(provider.get("models"), list):
        reading.refuse(place, "a provider is an object with `id`, `name` and `models`, a list")
        return provider
    for rule in ("provider_match", "model_match"):
        if provider.get(rule) is not None:
            _check_rule(provider[rule], f"{place} ({provider.get('id')}).{rule}", reading)
    models = [_model(model, f"{place}.models[{index}]", reading) for index, model in enumerate(provider["models"])]
    return {**provider, "models": models, "extractors": None}  # extractors read answers, not prices


def _model(model: Any, place: str, reading: Reading) -> Any:
    if not isinstance(model, Mapping):
        reading.refuse(place, "a model is an object with `id`, `match` and `prices`")
        return model
    named = f"{place} ({model.get('id')})"
    _check_rule(model.get("match"), f"{named}.match", reading)
    prices = model.get("prices")
    if isinstance(prices, list):
        read: Any = [_conditional(one, f"{named}.prices[{index}]", reading) for index, one in enumerate(prices)]
    else:
        read = _prices(prices, f"{named}.prices", reading)
    variants = model.get("price_variants")
    if not isinstance(variants, list):
        return {**model, "prices": read}
    read_variants = [
        _conditional(one, f"{named}.price_variants[{index}]", reading) for index, one in enumerate(variants)
    ]
    return {**model, "prices": read, "price_variants": read_variants}


def _check_rule(rule: object, place: str, reading: Reading) -> None:
    """Refuses what is no rule: the package's own types fail on it without saying so."""
    try:
        predicate(rule)
    except PriceListRefused as problem:
        reading.refuse(place, str(problem))


def _conditional(one: Any, place: str, reading: Reading) -> Any:
    if not isinstance(one, Mapping):
        reading.refuse(place, "a dated price is an object with `prices`")
        return one
    return {**one, "prices": _prices(one.get("prices"), f"{place}.prices", reading)}


def _prices(prices: Any, place: str, reading: Reading) -> catalogue.ModelPrice:
    if not isinstance(prices, Mapping):
        reading.refuse(place, "prices are an object such as {input_mtok: 2.5}")
        return catalogue.ModelPrice()
    known: dict[str, Any] = {}
    for unit, value in prices.items():
        where = f"{place}.{unit}"
        if value is None or is_currency(unit, value):
            continue
        if unit not in UNITS_BY_PRICE_KEY:
            reading.leave_out(f"prices of the unit {unit!r}, which this release does not know", where)
        elif isinstance(value, Mapping):
            known[unit] = _tiered(value, where, reading)
        else:
            known[unit] = reading.price(value, where)
    return catalogue.ModelPrice(**{unit: price for unit, price in known.items() if price is not None})


def _tiered(value: Mapping[str, Any], place: str, reading: Reading) -> catalogue.TieredPrices | None:
    before = len(reading.problems)
    for where, price in _tier_prices(value, place):
        reading.price(price, where)
    if len(reading.problems) > before:
        return None
    try:
        return _TIERED.validate_python(value)
    except ValidationError as problem:
        for error in problem.errors():
            reading.refuse(
                f"{place}{_path(error['loc'])}", f"{error['msg']}; tiers are {{base, tiers: [{{start, price}}]}}"
            )
        return None


def _tier_prices(value: Mapping[str, Any], place: str) -> Iterator[tuple[str, object]]:
    yield f"{place}.base", value.get("base")
    tiers = value.get("tiers")
    for index, tier in enumerate(tiers if isinstance(tiers, list) else []):
        if isinstance(tier, Mapping):
            yield f"{place}.tiers[{index}].price", tier.get("price")


def _path(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
