"""Reads a price file of any known format: its bytes and name in, a checked price list out."""

from collections.abc import Callable, Collection
from typing import Any, Final

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.exact_number import NotJson, read_json
from stream_jobs.pricing.imports import genai_prices_json, litellm, llms_json, models_dev, price_csv
from stream_jobs.pricing.imports.price_list import PriceList, Reading

FORMATS: Final = {
    "csv": "our own table, as `write_csv` writes it",
    "genai-prices": "data.json of genai-prices",
    "llms": "llms.json of llms.py, each price in the unit that its size tells",
    "llms-per-million": "llms.json, all prices in USD per million tokens",
    "llms-per-token": "llms.json, all prices in USD per token",
    "litellm": "LiteLLM's model_prices_and_context_window.json",
    "models.dev": "api.json of models.dev, providers.json of llms.py",
}
"""What may be asked for, and what it is. Without a word the format is told by the content."""

_NAMES: Final = {
    "csv": price_csv.NAME,
    "genai-prices": genai_prices_json.NAME,
    "llms": llms_json.NAME,
    "llms-per-million": llms_json.NAME,
    "llms-per-token": llms_json.NAME,
    "litellm": litellm.NAME,
    "models.dev": models_dev.NAME,
}
_SHAPES: Final[dict[str, Callable[[object], bool]]] = {
    "genai-prices": genai_prices_json.is_genai_prices,
    "llms": llms_json.is_llms_json,
    "litellm": litellm.is_litellm,
    "models.dev": models_dev.is_models_dev,
}
_READERS: Final[dict[str, Callable[[Any, Reading], None]]] = {
    "genai-prices": genai_prices_json.read_genai_prices,
    "llms": llms_json.read_llms_json,
    "llms-per-million": lambda content, reading: llms_json.read_llms_json(content, reading, "per million"),
    "llms-per-token": lambda content, reading: llms_json.read_llms_json(content, reading, "per token"),
    "litellm": litellm.read_litellm,
    "models.dev": models_dev.read_models_dev,
}


def read_price_list(data: bytes, name: str, fmt: str | None = None, *, without: Collection[str] = ()) -> PriceList:
    """All prices of a file called `name`, in the format `fmt` or the one that the content shows.

    `without` names models to leave out, as provider/model: large public lists have a few wrong prices at any time.
    Raises PriceListRefused with every problem, each with its line or path and the cure: a list is taken whole or not
    at all.
    """
    if fmt is not None and fmt not in FORMATS:
        raise PriceListRefused(f"there is no format {fmt!r}; formats are {', '.join(FORMATS)}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise PriceListRefused(f"{name}: byte {problem.start} is no UTF-8; save the file as UTF-8") from problem
    if fmt == "csv" or (fmt is None and text.lstrip()[:1] not in ("{", "[")):
        reading = Reading(f"{price_csv.NAME} {name}", frozenset(without))
        price_csv.read_csv(text, reading)
        return reading.finished()
    try:
        content = read_json(text)
    except NotJson as problem:
        raise PriceListRefused(f"{name}: {problem}") from problem
    fmt = _checked_format(content, name, fmt)
    reading = Reading(f"{_NAMES[fmt]} {name}", frozenset(without), rounds=True)
    reading.note(f"Read as {FORMATS[fmt]}")
    try:
        _READERS[fmt](content, reading)
    except RecursionError as problem:
        raise PriceListRefused(f"{name}: objects lie in one another too deeply for a price list") from problem
    return reading.finished()


def _checked_format(content: object, name: str, fmt: str | None) -> str:
    """The format of a JSON value. Raises PriceListRefused when it has none, or not the one that was asked for."""
    shape = next((shape for shape, has_shape in _SHAPES.items() if has_shape(content)), None)
    if shape is None:
        raise PriceListRefused(f"{name}: its JSON is no known price list; formats are {', '.join(FORMATS)}")
    if fmt is not None and fmt.partition("-per-")[0] != shape:
        raise PriceListRefused(f"{name}: it looks like {shape}, not like {fmt}; ask for {shape}, or for no format")
    return fmt or shape
