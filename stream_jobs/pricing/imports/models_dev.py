"""models.dev's api.json, and llms.py's providers.json of the same shape: providers, their models, and `cost` of each.

`{provider: {"models": {model: {"name": …, "cost": {"input": 2.5, …}}}}}`, in USD per million tokens.
"""

from collections.abc import Mapping
from typing import Any, Final

from stream_jobs.pricing.exact_number import whole_number
from stream_jobs.pricing.imports.currencies import check_currencies, is_currency
from stream_jobs.pricing.imports.price_list import Reading
from stream_jobs.pricing.imports.provider_ids import provider_id
from stream_jobs.pricing.imports.rate_sheets import ModelRates, add_rows

NAME: Final = "models.dev"

_UNITS: Final = {
    "input": "input_mtok",
    "output": "output_mtok",
    "reasoning": "output_reasoning_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
}
_LONG_CONTEXT_TOKENS: Final = 200_000
_NO_PRICES: Final = ("tiers", "context_over_200k", "tier", "type")


def is_models_dev(content: object) -> bool:
    """Whether a JSON value has this shape."""
    return isinstance(content, Mapping) and any(
        isinstance(provider, Mapping) and isinstance(provider.get("models"), Mapping) for provider in content.values()
    )


def read_models_dev(content: Mapping[str, Any], reading: Reading) -> None:
    """Takes every model that has a `cost`; problems and what is left out are kept in the reading."""
    taken: set[tuple[str, str]] = set()
    for provider, said in content.items():
        if is_currency(provider, said):
            continue
        models = said.get("models") if isinstance(said, Mapping) else None
        if not isinstance(models, Mapping):
            reading.refuse(provider, "it has no `models`; each provider of models.dev lists its models")
            continue
        for model, facts in models.items():
            if is_currency(model, facts):
                continue
            place = f"{provider}.models[{model!r}]"
            if not isinstance(facts, Mapping):
                reading.refuse(place, "a model is an object with `name` and `cost`")
            elif (key := (provider_id(provider), model.lower())) in taken:
                reading.leave_out("models that another name of their provider has listed already", place)
            elif _add_model(
                reading, place, ModelRates(key[0], model, str(facts.get("name") or model)), facts.get("cost")
            ):
                taken.add(key)
    check_currencies(content, reading)


def _add_model(reading: Reading, place: str, model: ModelRates, cost: object) -> bool:
    """Whether the model had prices to take."""
    if not cost:
        reading.leave_out("models without a cost", place)
        return False
    if not isinstance(cost, Mapping):
        reading.refuse(f"{place}.cost", "it is no object; write prices such as {input: 2.5, output: 10}")
        return False
    kind = cost.get("type", "tokens")
    if kind == "request":
        _put_request(reading, place, model, cost)
    elif kind != "tokens":
        reading.leave_out(f"costs of the type {kind!r}, for which there is no unit", place)
    else:
        _put(reading, f"{place}.cost", model, cost, 0)
        _put_tiers(reading, f"{place}.cost", model, cost)
    add_rows(reading, place, model)
    return bool(model.rates)


def _put_request(reading: Reading, place: str, model: ModelRates, cost: Mapping[str, Any]) -> None:
    """A price per request: llms.py writes it as the price of the input or of the output."""
    written = [
        price
        for name in ("input", "output")
        if name in cost and (price := reading.price(cost[name], f"{place}.cost.{name}", 3)) is not None
    ]
    above_0 = [price for price in written if price] or written[:1]
    if len(above_0) == 1:
        model.put("requests_kcount", above_0[0])
    else:
        reading.leave_out("costs per request with one price for the input and one for the output", place)


def _put(reading: Reading, place: str, model: ModelRates, cost: Mapping[str, Any], tier_start: int) -> None:
    for name, value in cost.items():
        where = f"{place}.{name}"
        if name in _UNITS and value is not None:
            price = reading.price(value, where)
            if price is not None:
                model.put(_UNITS[name], price, tier_start)
        elif name not in (*_UNITS, *_NO_PRICES) and not is_currency(name, value):
            reading.leave_out(f"prices named {name!r}, for which there is no unit", where)


def _put_tiers(reading: Reading, place: str, model: ModelRates, cost: Mapping[str, Any]) -> None:
    """Prices of long contexts. `context_over_200k` repeats the tiers for older readers, whatever their sizes are."""
    tiers, long_context = cost.get("tiers"), cost.get("context_over_200k")
    if isinstance(tiers, list) and tiers:
        for index, tier in enumerate(tiers):
            _put_tier(reading, f"{place}.tiers[{index}]", model, tier)
    elif isinstance(long_context, Mapping):
        _put(reading, f"{place}.context_over_200k", model, long_context, _LONG_CONTEXT_TOKENS)
    elif tiers or long_context:
        reading.refuse(place, "tiers must be a list, and context_over_200k an object of prices")


def _put_tier(reading: Reading, place: str, model: ModelRates, tier: object) -> None:
    rule = tier.get("tier") if isinstance(tier, Mapping) else None
    size = whole_number(rule.get("size")) if isinstance(rule, Mapping) else None
    if not isinstance(tier, Mapping) or not isinstance(rule, Mapping) or rule.get("type", "context") != "context":
        reading.refuse(place, 'a tier must name its size: {"tier": {"type": "context", "size": 200000}, …}')
    elif size is None or size <= 0:
        reading.refuse(f"{place}.tier.size", f"{rule.get('size')!r} is no number of tokens above 0")
    else:
        _put(reading, place, model, tier, size)
