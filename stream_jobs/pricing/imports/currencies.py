"""In which currency a JSON list has its prices: its content in, a problem for each place that names another than USD.

Formats name it beside a price, a model or a provider, or above all of them; wherever it stands, it is about prices.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from stream_jobs.pricing.imports.price_list import Reading

_FIELD: Final = "currency"
_OF_MODELS: Final = ("models", "pricing")
"""Objects whose keys are names of models."""


def is_currency(field: str, value: object) -> bool:
    """Whether a field names a currency; an object of that name is a model or a provider."""
    return field.lower() == _FIELD and not isinstance(value, Mapping | list)


def check_currencies(content: object, reading: Reading, *, has_models: bool = False) -> None:
    """Refuses every currency but USD, in any letter case. has_models: the content itself is an object of models."""
    for place, value in _currencies(content, "", is_of_models=has_models):
        if value is not None and str(value).strip().upper() != "USD":
            reading.refuse(place, f"{value!r}; convert the prices to USD first")


def _currencies(content: object, place: str, *, is_of_models: bool) -> Iterator[tuple[str, object]]:
    if isinstance(content, list):
        for index, one in enumerate(content):
            yield from _currencies(one, f"{place}[{index}]", is_of_models=False)
    elif isinstance(content, Mapping):
        for name, value in content.items():
            if is_currency(name, value):
                yield f"{place}.{name}".removeprefix("."), value
                continue
            where = f"{place}[{name!r}]" if is_of_models else f"{place}.{name}".removeprefix(".")
            yield from _currencies(value, where, is_of_models=name in _OF_MODELS)
