"""The reviewed file of multipliers: YAML text in, rows out."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import yaml

from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_row import ALWAYS, MultiplierRow

SOURCE: Final = "multipliers.yaml"


def read_multipliers(text: str) -> list[MultiplierRow]:
    """The rows of the file, its default first.

    Raises CreditRulesRefused, naming the model, for anything but known fields, exact multipliers and catalogue entries
    written provider/model.
    """
    try:
        content: Any = yaml.load(text, Loader=yaml.BaseLoader)  # texts only: a multiplier never becomes a float
    except yaml.YAMLError as problem:
        raise CreditRulesRefused(f"{SOURCE} is not YAML: {problem}") from problem
    if (
        not isinstance(content, dict)
        or set(content) != {"default", "models"}
        or not isinstance(content["models"], list)
    ):
        raise CreditRulesRefused(f"{SOURCE} must hold `default`, a multiplier, and `models`, a list")
    rows = [_row("", "", content["default"], "default")]
    for model in content["models"]:
        rows.extend(_rows(model))
    return rows


def _rows(model: object) -> Iterator[MultiplierRow]:
    fields = {"name", "multiplier", "entries"}
    if not isinstance(model, dict) or not fields <= set(model) <= fields | {"from"}:
        raise CreditRulesRefused(f"{model!r} must hold name, multiplier, entries and perhaps `from`, a date")
    name, entries = model["name"], model["entries"]
    if not isinstance(entries, list) or not entries:
        raise CreditRulesRefused(f"{name}: entries must be a list of catalogue entries, provider/model")
    for entry in entries:
        provider, slash, entry_model = str(entry).partition("/")
        if not slash or not provider or not entry_model:
            raise CreditRulesRefused(f"{name}: {entry!r} is not a catalogue entry; write provider/model")
        yield _row(provider, entry_model, model["multiplier"], name, model.get("from"))


def _row(provider: str, model: str, multiplier: object, name: str, start: object = None) -> MultiplierRow:
    try:
        milli = Decimal(str(multiplier)) * 1000
        if milli != int(milli):
            raise ValueError
    except (InvalidOperation, ValueError, OverflowError) as problem:
        raise CreditRulesRefused(
            f"{name}: {multiplier!r} is no multiplier; write a number of at most 3 decimal places"
        ) from problem
    return MultiplierRow(provider, model, int(milli), SOURCE, note=name, effective_from=_date(name, start))


def _date(name: str, start: object) -> datetime:
    if start is None:
        return ALWAYS
    try:
        return datetime.strptime(str(start), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as problem:
        raise CreditRulesRefused(f"{name}: {start!r} is no date; write YYYY-MM-DD") from problem
