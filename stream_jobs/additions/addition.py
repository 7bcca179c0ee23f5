"""One item of a provider's file of additions, and reading such a file: YAML text in, additions out.

    provider: openai
    additions:
      - name: GPT-4o                   # what people call it; the note of the multiplier
        models: [gpt-4o, gpt-4o-2024-05-13]
        multiplier: 2                  # credits per request, at most 3 places
        tier: premium                  # must be what the multiplier makes it
        from: 2026-02-01               # 00:00 UTC; without it since always
        display_name: GPT-4o           # in place of the catalogue's, for all time; the last item's holds
        free: true                     # only of a model listed without rates; false, with `from`: no more

A change is a new item with a later date: items are appended and never edited. The file `any.yaml` holds the multiplier
of all models that no file names; its items have no `models`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import yaml

from stream_jobs.additions.errors import AdditionsRefused
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_row import ALWAYS, MultiplierRow, tier_of

ANY_PROVIDER: Final = "any"

NEVER: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""Before this the warehouse can keep a date."""
_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)
_FIELDS: Final = {"name", "models", "multiplier", "tier", "from", "display_name", "free"}


@dataclass(frozen=True, slots=True)
class Addition:
    """What is said of some models of one provider from a date on. None: nothing is said of it."""

    place: str
    provider: str
    models: tuple[str, ...]
    """Ids of the catalogue; empty for the item of all other models."""
    name: str
    effective_from: datetime
    multiplier_milli: int | None = None
    display_name: str | None = None
    free: bool | None = None


def read_additions(text: str, file: str) -> list[Addition]:
    """The items of one file in their order. Raises AdditionsRefused with every problem of it."""
    try:
        content: Any = yaml.load(text, Loader=_Texts)
    except yaml.YAMLError as problem:
        raise AdditionsRefused(f"{file} is not YAML: {problem}") from problem
    if not isinstance(content, Mapping) or set(content) != {"provider", "additions"}:
        raise AdditionsRefused(f"{file} must hold `provider`, an id of the catalogue, and `additions`, a list")
    provider, items = content["provider"], content["additions"]
    if not isinstance(items, list) or not isinstance(provider, str) or f"{provider}.yaml" != file:
        raise AdditionsRefused(f"{file}: `additions` must be a list, and the file be named after its provider")
    additions: list[Addition] = []
    problems: list[str] = []
    for number, item in enumerate(items, start=1):
        try:
            additions.append(_addition(item, provider, f"{file}, item {number}"))
        except (AdditionsRefused, CreditRulesRefused) as refused:
            problems.append(f"{file}, item {number}: {refused}")
    problems.extend(_repeats(additions))
    if problems:
        raise AdditionsRefused(*problems)
    return additions


class _Texts(yaml.BaseLoader):
    """Mappings of texts in which nothing is said twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Raises a YAMLError for a doubled key."""
        keys = [key.value for key, _ in node.value]
        if doubled := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.constructor.ConstructorError(None, None, f"{doubled!r} is said twice; keep one", node.start_mark)
        return super().construct_mapping(node, deep)


def _addition(item: object, provider: str, place: str) -> Addition:
    """Raises AdditionsRefused or CreditRulesRefused for the first thing wrong with an item."""
    if not isinstance(item, Mapping) or "name" not in item or not set(item) <= _FIELDS:
        raise AdditionsRefused(f"{item!r} must hold `name`, and no fields but {', '.join(sorted(_FIELDS))}")
    for field in ("name", "display_name"):
        if field in item and (not isinstance(item[field], str) or not item[field].strip()):
            raise AdditionsRefused(f"{field} is {item[field]!r}; write a name, or leave it out")
    models = item.get("models", [])
    is_any = provider == ANY_PROVIDER
    if not isinstance(models, list) or is_any == bool(models) or not all(isinstance(m, str) and m for m in models):
        raise AdditionsRefused("`models` must be a list of the catalogue's ids, and stand in no item of any.yaml")
    milli = _milli(item["multiplier"]) if "multiplier" in item else None
    if milli is not None:
        MultiplierRow(provider, models[0] if models else "*", milli, place)
    if "tier" in item and (milli is None or item["tier"] != tier_of(milli)):
        expected = "no tier" if milli is None else f"the tier {tier_of(milli)}"
        raise AdditionsRefused(f"tier {item['tier']!r}, but its multiplier makes it {expected}; correct one of them")
    free = _free(item)
    if milli is None and "display_name" not in item and free is None:
        raise AdditionsRefused("it says nothing; give a multiplier, a display_name or a free mark")
    if is_any and (milli is None or "display_name" in item or free is not None):
        raise AdditionsRefused("an item for any model holds a multiplier and nothing else")
    if "display_name" in item and "from" in item:
        raise AdditionsRefused("a display_name holds for all time, in place of an earlier one; leave its `from` out")
    return Addition(
        place=place,
        provider="" if is_any else provider,
        models=tuple(models),
        name=item["name"],
        effective_from=_date(item.get("from")),
        multiplier_milli=milli,
        display_name=item.get("display_name"),
        free=free,
    )


def _free(item: Mapping[str, Any]) -> bool | None:
    free = item.get("free")
    if free not in (None, "true", "false"):
        raise AdditionsRefused(f"free is {free!r}; write true or false, or leave it out")
    if free == "false" and "from" not in item:
        raise AdditionsRefused("a model stops being free on a date; add `from`")
    return None if free is None else free == "true"


def _milli(multiplier: object) -> int:
    try:
        if not _NUMBER.fullmatch(str(multiplier)):
            raise ValueError
        milli = Decimal(str(multiplier)) * 1000
        if milli != int(milli):
            raise ValueError
    except (ArithmeticError, ValueError) as problem:
        raise AdditionsRefused(f"{multiplier!r} is no multiplier; write a number of at most 3 places") from problem
    return int(milli)


def _date(start: object) -> datetime:
    if start is None:
        return ALWAYS
    try:
        moment = datetime.strptime(str(start), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as problem:
        raise AdditionsRefused(f"{start!r} is no date; write YYYY-MM-DD") from problem
    if not ALWAYS <= moment < NEVER:
        raise AdditionsRefused(f"{start} lies outside {ALWAYS:%Y} to {NEVER.year - 1}; leave `from` out for always")
    return moment


def _repeats(additions: list[Addition]) -> Iterator[str]:
    """Two items that say something of the same model from the same date; of display names the last holds."""
    seen: dict[tuple[str, datetime, str], str] = {}
    for one in additions:
        said = {"multiplier": one.multiplier_milli, "free": one.free}
        for model in one.models or ("",):
            for field in (field for field, value in said.items() if value is not None):
                first = seen.setdefault((model, one.effective_from, field), one.place)
                if first != one.place:
                    yield f"{one.place}: {field} of {model or 'any model'} again from the same date, first in {first}"
