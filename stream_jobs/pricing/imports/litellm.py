"""LiteLLM's price map: `{model: {"litellm_provider": …, "input_cost_per_token": 2.5e-06, …}}`, in USD per single unit.

A field is a base name, perhaps a context length (`_above_200k_tokens`), perhaps a service tier (`_priority`). Fields
with `cost` in their name for which there is no unit are left out and counted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stream_jobs.pricing.exact_number import exact_number
from stream_jobs.pricing.imports.currencies import check_currencies, is_currency
from stream_jobs.pricing.imports.litellm_fields import SECONDS_PER_HOUR, field_price
from stream_jobs.pricing.imports.litellm_tiers import tiered_prices
from stream_jobs.pricing.imports.price_list import Reading
from stream_jobs.pricing.imports.provider_ids import provider_id
from stream_jobs.pricing.imports.rate_sheets import ModelRates, add_rows

NAME: Final = "LiteLLM"

_EXAMPLE: Final = "sample_spec"
_FIELD: Final = re.compile(
    r"(?P<base>.+?)(_above_(?P<thousands>\d{1,12})k_tokens)?(_(?P<service>priority|flex|batches))?"
)
_SERVICE_TIERS: Final = {None: "", "priority": "priority", "flex": "flex", "batches": "batch"}
_TRANSCRIPTION: Final = "audio_transcription"
_IMAGE_GENERATION: Final = "image_generation"
_OF_IMAGES: Final = ("input_cost_per_image", "output_cost_per_image", "input_cost_per_pixel")
_HEARD: Final = ("input_cost_per_second", "output_cost_per_second")


def is_litellm(content: object) -> bool:
    """Whether a JSON value has this shape."""
    return isinstance(content, Mapping) and any(
        isinstance(said, Mapping) and "litellm_provider" in said for said in content.values()
    )


@dataclass(slots=True)
class _Model:
    """One entry while it is read."""

    reading: Reading
    place: str
    said: Mapping[str, Any]
    rates: ModelRates
    left_out_a_price: bool = False

    def leave_out(self, what: str, field: str) -> None:
        self.reading.leave_out(what, f"{self.place}.{field}")
        self.left_out_a_price = True


def read_litellm(content: Mapping[str, Any], reading: Reading) -> None:
    """Takes every model that has a price we have a unit for; problems and what is left out stay in the reading."""
    taken: dict[tuple[str, str], ModelRates] = {}
    for name, said in content.items():
        if name == _EXAMPLE or is_currency(name, said):
            continue
        place = f"[{name!r}]"
        provider = said.get("litellm_provider") if isinstance(said, Mapping) else None
        if isinstance(said, Mapping) and not provider and not any("cost" in field for field in said):
            reading.leave_out("entries that are no models", place)
            continue
        if not isinstance(said, Mapping) or not isinstance(provider, str) or not provider:
            reading.refuse(place, "it has no litellm_provider; every model of LiteLLM's map names its provider")
            continue
        model = _Model(reading, place, said, ModelRates(provider_id(provider), _without_provider(name, provider), name))
        _read_model(model)
        if _is_taken(model, taken):
            add_rows(reading, place, model.rates)
    check_currencies({name: said for name, said in content.items() if name != _EXAMPLE}, reading, has_models=True)


def _is_taken(model: _Model, taken: dict[tuple[str, str], ModelRates]) -> bool:
    """Whether the model's prices count: it has some, they are all it costs, and no other spelling came first."""
    rates = model.rates
    if not rates.rates or (rates.is_all_zero and model.left_out_a_price):
        model.reading.leave_out("models without a price that we have a unit for", model.place)
        return False
    first = taken.setdefault((rates.provider, rates.model.lower()), rates)
    if first is rates:
        return True
    alike = first.rates == rates.rates
    what = "again, at the same prices" if alike else "again at other prices, where the first entry is kept"
    model.reading.leave_out(f"models that two spellings of a provider list {what}", model.place)
    return False


def _read_model(model: _Model) -> None:
    for field, value in model.said.items():
        if value is None or "cost" not in field or field.startswith("search_context"):
            continue
        found = _FIELD.fullmatch(field)
        priced = (
            field_price(_base(model, found["base"]), value, f"{model.place}.{field}", model.reading) if found else None
        )
        if found and priced:
            unit, price = priced
            tier_start = int(found["thousands"] or 0) * 1000
            if price is not None:
                model.rates.put(unit, price, tier_start, _SERVICE_TIERS[found["service"]])
        elif not _is_of_a_mode(model, field) and exact_number(value) != 0:
            model.leave_out(f"prices named {field!r}, for which there is no unit", field)
    if "off_peak_pricing" in model.said:
        model.leave_out("off-peak prices, whose windows depend on the weekday", "off_peak_pricing")
    _put_seconds(model)
    _put_rerank(model)
    _put_searches(model)
    for unit, price, tier_start in tiered_prices(model.said.get("tiered_pricing"), model.place, model.reading):
        model.rates.put(unit, price, tier_start)


def _base(model: _Model, base: str) -> str:
    """The field that is meant. LiteLLM multiplies the price of a model that makes images by the images made, also one
    that is called a price of the input; for the pixels made there is no unit."""
    if model.said.get("mode") != _IMAGE_GENERATION or base not in _OF_IMAGES:
        return base
    if base == "input_cost_per_pixel":
        return ""
    if exact_number(model.said.get("output_cost_per_image")):
        return base
    is_read = model.said.get("input_cost_per_image") is not None
    return "" if base == "output_cost_per_image" and is_read else "output_cost_per_image"


def _is_of_a_mode(model: _Model, field: str) -> bool:
    """Fields whose unit depends on what the model does; they are read apart."""
    mode = model.said.get("mode")
    return (mode == _TRANSCRIPTION and field in _HEARD) or (mode == "rerank" and field == "input_cost_per_query")


def _put_seconds(model: _Model) -> None:
    """Transcription is billed by seconds of sound, which the map writes as input, output or both alike."""
    if model.said.get("mode") != _TRANSCRIPTION:
        return
    prices = {
        price
        for field in _HEARD
        if model.said.get(field) is not None
        and (price := model.reading.price(model.said[field], f"{model.place}.{field}", times=SECONDS_PER_HOUR))
        is not None
    }
    above_0 = {price for price in prices if price} or prices
    if len(above_0) == 1:
        (price,) = above_0
        model.rates.put("audio_hours", price)
    elif above_0:
        model.leave_out("transcription with two prices per second", _HEARD[0])


def _put_rerank(model: _Model) -> None:
    value = model.said.get("input_cost_per_query")
    if model.said.get("mode") == "rerank" and value is not None:
        price = model.reading.price(value, f"{model.place}.input_cost_per_query", 3)
        if price is not None:
            model.rates.put("rerank_searches_kcount", price)


def _put_searches(model: _Model) -> None:
    """One price of a web search, when it is the same whatever the size of its context."""
    sizes = model.said.get("search_context_cost_per_query")
    if not isinstance(sizes, Mapping) or not sizes:
        return
    place = f"{model.place}.search_context_cost_per_query"
    prices = {model.reading.price(value, f"{place}.{size}", 3) for size, value in sizes.items()}
    if len(prices) == 1:
        (price,) = prices
        if price is not None:
            model.rates.put("web_searches_kcount", price)
    else:
        model.leave_out(
            "web searches whose price depends on the size of their context", "search_context_cost_per_query"
        )


def _without_provider(name: str, provider: str) -> str:
    """`gemini/gemini-2.5-pro` is gemini-2.5-pro at Google; a first part that names no provider belongs to the model."""
    head, slash, rest = name.partition("/")
    return rest if slash and rest and provider_id(head) == provider_id(provider) else name
