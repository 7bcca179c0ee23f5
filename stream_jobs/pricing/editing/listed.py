"""A whole list of prices over those there are: an owner's rows and a list in, the owner's new rows out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from stream_jobs.pricing.editing.dated_sheet import DatedSheet, all_day_at, dated_sheets, has_price, rate_key
from stream_jobs.pricing.editing.going_on import Lists
from stream_jobs.pricing.editing.known_names import KnownNames
from stream_jobs.pricing.editing.overlaid import overlaid
from stream_jobs.pricing.editing.placing import MATCH_ANY, names_one, numbered
from stream_jobs.pricing.editing.price import with_end
from stream_jobs.pricing.editing.source_family import family, says_all
from stream_jobs.pricing.editing.tier_ends import free_in_all_tiers
from stream_jobs.pricing.editing.timeline import not_before, since, timeline
from stream_jobs.pricing.editing.unit_gaps import EndedUnit
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import ALWAYS, ANY_MODEL, SINCE_EVER, PriceRow

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
    was, of an organization's at everyone's price and dates; of a catalogue, whose newer state the list is, only what
    would have no price at all. ended: it does not.

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
        listed = _with_own_dates(rows, listed, everyones, ended)
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


def _with_own_dates(
    rows: Sequence[PriceRow],
    listed: Sequence[PriceRow],
    everyones: Sequence[PriceRow],
    ended: frozenset[EndedUnit],
) -> list[PriceRow]:
    """A list with its own dates: what was before them stays, and what it does not name."""
    names = KnownNames(rows, everyones)
    made: list[PriceRow] = []
    for name, group in _by_model(listed).items():
        lists = names.lists(*name)
        begins = min(row.effective_from for row in group)
        is_newer = begins == ALWAYS or _is_update(group, lists)
        if _is_new(group, lists):
            made += _new(group)
        elif group[0].organization or _is_of_another(group, lists) or not is_newer:
            made += _rows(_from(begins, group, lists, ended))
        else:
            said = dated_sheets(group)
            made += _rows(free_in_all_tiers(overlaid(timeline(lists), said, ended, is_whole=True), said))
    return made


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
        lists = names.lists(*name)
        made += _new(group) if _is_new(group, lists) else _rows(_from(at, group, lists, ended))
    return made


def _new(group: Sequence[PriceRow]) -> list[PriceRow]:
    """The rows of a model of which nothing is known."""
    sheets = dated_sheets(group)
    return _rows(free_in_all_tiers(sheets, sheets)) if group[0].model else list(group)


def _is_new(group: Sequence[PriceRow], lists: Lists) -> bool:
    """Whether nothing is known of a model for everyone, or the rows are a provider's rules."""
    return not group[0].model or not (any(lists) or group[0].organization)


def _is_of_another(group: Sequence[PriceRow], lists: Lists) -> bool:
    """Whether another entry prices the name for everyone, and the list does not say how it is found without that."""
    return any(lists[1:]) and not group[0].organization and not group[0].match


def _is_update(group: Sequence[PriceRow], lists: Lists) -> bool:
    """Whether the list brings the dates of all that there was."""
    return all(says_all(group[0], row) for sheets in lists for sheet in sheets for row in sheet.rows)


def _from(at: datetime, group: Sequence[PriceRow], lists: Lists, ended: frozenset[EndedUnit]) -> list[DatedSheet]:
    """A model's own sheets until then, and from then on those of the list with what goes on beside them.

    lists: what is known of the name, its own sheets first. Service tiers of its own that the list does not name are
    not said again.
    """
    at = max(at, SINCE_EVER) if _is_of_another(group, lists) else at
    own = lists[0]
    said = since(dated_sheets(group), at)
    listed = [not_before(sheet, at) for sheet in said]
    places = {sheet.place: now.place for sheet, now in zip(said, listed, strict=True)}
    ends = frozenset(replace(end, place=places[end.place]) for end in ended if end.place in places)
    stay = _untouched(own, listed, at)
    known = [not_before(sheet, at) for sheet in since(timeline(lists), at) if sheet.service_tier not in stay]
    past = [sheet for sheet in own if sheet.effective_from < at or sheet.service_tier in stay]
    begun = {tier for tier in {sheet.service_tier for sheet in past} if has_price(past, at, tier)}
    made = free_in_all_tiers([*past, *overlaid(known, listed, ends, begun=begun)], listed)
    return list(own) if own and _says(own, at) == _says(made, at) else made


def _untouched(own: Sequence[DatedSheet], listed: Sequence[DatedSheet], at: datetime) -> set[str]:
    """Service tiers of which the owner's own prices hold on as they are."""
    if any(sheet.is_closing for sheet in (*own, *listed)):
        return set()
    named = {sheet.service_tier for sheet in listed}
    return {sheet.service_tier for sheet in own if all_day_at(own, at, sheet.service_tier)} - named


def _rows(sheets: Iterable[DatedSheet]) -> list[PriceRow]:
    return [row for sheet in sheets for row in sheet.rows]


def _says(sheets: Sequence[DatedSheet], at: datetime) -> list[object]:
    """What is charged from then on, whoever says so."""
    return [
        (
            max(sheet.effective_from, at),
            sheet.window,
            sheet.service_tier,
            sheet.is_end,
            sheet.is_free,
            sorted((str((rate_key(row), row.tier_start)), row.price_usd, row.per, row.marginal) for row in sheet.rates),
        )
        for sheet in sorted(since(sheets, at), key=lambda sheet: sheet.service_tier)
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
    """The rows, with the rule and name that are known where they bring none; a default is for any model."""
    match = (known[0].match if known else "") or (MATCH_ANY if rows[0].model == ANY_MODEL else "")
    names = {"", rows[0].model} if known else set()
    return [
        replace(
            row,
            match=row.match or match,
            display_name=known[0].display_name if known and row.display_name in names else row.display_name,
        )
        for row in rows
    ]
