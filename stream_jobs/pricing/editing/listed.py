"""A whole list of prices over those there are: an owner's rows and a list in, the owner's new rows out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from stream_jobs.pricing.editing.dated_sheet import DatedSheet, all_day_at, dated_sheets, inserted, rate_key, windows_at
from stream_jobs.pricing.editing.going_on import going_on
from stream_jobs.pricing.editing.known_names import KnownNames
from stream_jobs.pricing.editing.overlaid import overlaid
from stream_jobs.pricing.editing.placing import names_one, numbered
from stream_jobs.pricing.editing.price import with_end
from stream_jobs.pricing.editing.source_family import family, says_all
from stream_jobs.pricing.editing.unit_gaps import EndedUnit, without_gaps
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import ALWAYS, ANY_MODEL, PriceRow

_Group = dict[str, list[PriceRow]]
"""Rows of one provider by model; "" has the provider's own rules."""


class Replaces(StrEnum):
    """Of which models a list is complete: those that it lacks are taken away."""

    MODELS = "models"
    """Of none: it says only what it says."""
    PROVIDERS = "providers"
    """Of its providers' models."""
    SOURCE = "source"
    """Of the models whose prices came from the same source."""


def with_list(
    rows: Sequence[PriceRow],
    listed: Sequence[PriceRow],
    replaces: Replaces = Replaces.MODELS,
    effective_from: datetime | None = None,
    everyones: Sequence[PriceRow] = (),
    ended: frozenset[EndedUnit] = frozenset(),
) -> list[PriceRow]:
    """The owner's rows with what the list says.

    everyones: rows that hold for all, where the owner is an organization. What the list does not name goes on as it
    was, of an organization's at everyone's price; of a catalogue, whose newer state the list is, only what would have
    no price at all. ended: it does not.

    effective_from: what differs from the prices in force then holds from then on, and what was before stays. None: the
    list's own dates hold; what was before the first of them stays, and a list without dates holds since ever.

    A list without rules for finding models leaves those that are known; one with rules brings its order too, which
    matching depends on. Raises PriceListRefused for an empty list, rows of several owners, or when a model that is
    taken away has prices after the date.
    """
    if not listed:
        raise PriceListRefused("the list has no prices")
    owners = {row.organization for row in (*rows, *listed)}
    if len(owners) > 1:
        raise PriceListRefused(f"a list is for one owner: this one is for {', '.join(sorted(map(repr, owners)))}")
    gone = _gone(rows, listed, replaces)
    taken = set(gone)
    kept = [row for row in rows if row not in taken]
    with_rules = {row.provider for row in listed if row.model not in ("", ANY_MODEL) and row.match}
    if effective_from is not None:
        listed = _from_then_on(rows, listed, effective_from, everyones, ended)
    else:
        listed = _without_gaps(rows, listed, everyones, ended)
    current, said = _by_provider(kept), _by_provider(listed)
    made = [
        row
        for provider in dict.fromkeys((*current, *said))
        for row in _laid(current.get(provider, {}), said.get(provider, {}), has_rules=provider in with_rules)
    ]
    if effective_from is None:
        return numbered(made)
    complete = numbered([*made, *gone])
    for (provider, model), group in _by_model(gone).items():
        last = all_day_at(dated_sheets(group), effective_from)
        if last is None or not last.is_end:
            complete = with_end(complete, group[0].organization, provider, model, effective_from, listed[0].source)
    return complete


def owned(rows: Sequence[PriceRow], organization: str) -> list[PriceRow]:
    """The rows as those of this owner. Raises PriceListRefused when some are another's."""
    others = sorted({row.organization for row in rows} - {"", organization})
    if others:
        raise PriceListRefused(
            f"the list has prices of {', '.join(others)}: import those of one organization at a time, as its own"
        )
    return [replace(row, organization=organization) for row in rows]


def _gone(rows: Sequence[PriceRow], listed: Sequence[PriceRow], replaces: Replaces) -> list[PriceRow]:
    """Rows of models that the list lacks and should have."""
    if replaces is Replaces.MODELS:
        return []
    named = {(row.provider, row.model) for row in listed}
    missing = [row for row in rows if row.model and (row.provider, row.model) not in named]
    if replaces is Replaces.PROVIDERS:
        providers = {row.provider for row in listed}
        return [row for row in missing if row.provider in providers]
    sources = {family(row.source) for row in listed}
    foreign = {(row.provider, row.model) for row in missing if family(row.source) not in sources}
    return [row for row in missing if (row.provider, row.model) not in foreign]


def _without_gaps(
    rows: Sequence[PriceRow],
    listed: Sequence[PriceRow],
    everyones: Sequence[PriceRow],
    ended: frozenset[EndedUnit],
) -> list[PriceRow]:
    """A list with its own dates: what was before them stays, and what it does not name."""
    names = KnownNames(rows, everyones)
    made: list[PriceRow] = []
    for name, group in _by_model(listed).items():
        begins = min(row.effective_from for row in group)
        if begins > ALWAYS and not _is_update(group, names.lists(*name)[0]):
            made += _from_then_on(rows, group, begins, everyones, ended)
            continue
        sheets = overlaid(names.lists(*name)[0], dated_sheets(group), ended)
        if everyones:
            sheets = _said((), sheets, names.lists(*name)[1:], ended)
        made += [row for sheet in sheets for row in sheet.rows]
    return made


def _is_update(group: Sequence[PriceRow], known: Sequence[DatedSheet]) -> bool:
    """Whether the list brings the dates of all that there was."""
    return all(says_all(group[0], row) for sheet in known for row in sheet.rows)


def _from_then_on(
    rows: Sequence[PriceRow],
    listed: Sequence[PriceRow],
    at: datetime,
    everyones: Sequence[PriceRow],
    ended: frozenset[EndedUnit],
) -> list[PriceRow]:
    """The list's rows for each model: of a known one what was until then, and what differs after.

    A new model for everyone has the list's prices from their own dates on where its name had no price before. An
    organization paid what everyone does before.
    """
    names = KnownNames(rows, everyones)
    made: list[PriceRow] = []
    for name, group in _by_model(listed).items():
        before, *known = names.lists(*name)
        if not name[1] or not (before or any(known) or group[0].organization):
            made += group
            continue
        past = [sheet for sheet in before if sheet.effective_from < at]
        since = _since(dated_sheets(group), at)
        moved = [_not_before(sheet, at) for sheet in since]
        places = {sheet.place: now.place for sheet, now in zip(since, moved, strict=True)}
        ends = frozenset(replace(end, place=places[end.place]) for end in ended if end.place in places)
        after = _said(past, moved, known, ends)
        sheets = before if before and _says(before, at) == _says(after, at) else [*past, *after]
        made += [row for sheet in sheets for row in sheet.rows]
    return made


def _said(
    past: Sequence[DatedSheet],
    sheets: Sequence[DatedSheet],
    known: Sequence[Sequence[DatedSheet]],
    ended: frozenset[EndedUnit],
) -> list[DatedSheet]:
    """A model's sheets of a list with what goes on beside them: service tiers and daily windows that it does not name,
    but of a catalogue of which it is a newer state."""
    named = without_gaps(past, sheets, known, ended)
    made = list(named)
    for sheet in named:
        if sheet.is_end or sheet.is_free:
            continue
        until_then = [*past, *(each for each in made if each.effective_from < sheet.effective_from)]
        said = {each.place for each in made}
        for other in going_on([until_then, *known], sheet):
            is_left = other.place not in said and not _is_update(sheet.rows, [other])
            made = inserted(made, other) if is_left else made
    return made


def _not_before(sheet: DatedSheet, at: datetime) -> DatedSheet:
    return DatedSheet(tuple(replace(row, effective_from=max(row.effective_from, at)) for row in sheet.rows))


def _since(sheets: Sequence[DatedSheet], at: datetime) -> list[DatedSheet]:
    """Those that hold at some time from then on: the all-day one of then, the daily windows of then, and later ones."""
    tiers = {sheet.service_tier for sheet in sheets}
    now = [all_day_at(sheets, at, tier) for tier in tiers]
    windows = [sheet for tier in tiers for sheet in windows_at(sheets, at, tier).values()]
    return [sheet for sheet in sheets if sheet.effective_from > at or any(sheet is each for each in (*now, *windows))]


def _says(sheets: Sequence[DatedSheet], at: datetime) -> list[object]:
    """What is charged from then on, whoever says so."""
    return [
        (
            max(sheet.effective_from, at),
            sheet.window,
            sheet.service_tier,
            sheet.is_end,
            sheet.is_free,
            sorted((str((rate_key(row), row.tier_start)), row.price_usd, row.per) for row in sheet.rates),
        )
        for sheet in _since(sheets, at)
    ]


def _by_model(rows: Iterable[PriceRow]) -> dict[tuple[str, str], list[PriceRow]]:
    grouped: dict[tuple[str, str], list[PriceRow]] = {}
    for row in rows:
        grouped.setdefault((row.provider, row.model), []).append(row)
    return grouped


def _by_provider(rows: Iterable[PriceRow]) -> dict[str, _Group]:
    grouped: dict[str, _Group] = {}
    for row in rows:
        grouped.setdefault(row.provider, {}).setdefault(row.model, []).append(row)
    return grouped


def _laid(current: _Group, said: _Group, *, has_rules: bool) -> list[PriceRow]:
    """One provider's rows: its rules, then its models in the order in which they are tried, the catch-all last."""
    models = {model: rows for model, rows in current.items() if model}
    new = {model: _found_as_before(current.get(model), rows) for model, rows in said.items() if model}
    if has_rules:
        exact = [model for model, rows in models.items() if model not in new and names_one(rows[0])]
        patterns = [model for model in models if model not in new and model not in exact]
        order = [*exact, *new, *patterns]
    else:
        order = [*(model for model in new if model not in models), *models]
    order.sort(key=lambda model: model == ANY_MODEL)
    rules = said.get("") or current.get("") or []
    return [*rules, *(row for model in order for row in new.get(model) or models[model])]


def _found_as_before(known: Sequence[PriceRow] | None, rows: Sequence[PriceRow]) -> list[PriceRow]:
    """The rows, with the rule and name that are known where they bring none."""
    if not known:
        return list(rows)
    first = known[0]
    names = {"", rows[0].model}
    return [
        replace(
            row,
            match=row.match or first.match,
            display_name=first.display_name if row.display_name in names else row.display_name,
        )
        for row in rows
    ]
