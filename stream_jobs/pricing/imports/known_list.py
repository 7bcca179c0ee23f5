"""A list under the names that prices are stored by: its rows and those that there are in, the same list renamed out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from stream_jobs.pricing.editing.listed import Replaces, with_list
from stream_jobs.pricing.editing.spellings import Spellings
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports.price_list import PriceList, renamed
from stream_jobs.pricing.model_checks import model_problems
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.rate_checks import Placed
from stream_jobs.pricing.underlying import Entry


def with_import(
    rows: Sequence[PriceRow],
    listed: PriceList,
    replaces: Replaces = Replaces.MODELS,
    effective_from: datetime | None = None,
    everyones: Sequence[PriceRow] = (),
) -> list[PriceRow]:
    """The owner's rows with what the list says, under known names; `with_list` has the rules.

    Raises PriceListRefused as that and `known_list` do.
    """
    known = known_list(listed, rows, everyones)
    return with_list(rows, known.rows, replaces, effective_from, everyones, known.ended)


def known_list(listed: PriceList, rows: Sequence[PriceRow], everyones: Sequence[PriceRow]) -> PriceList:
    """The list with known providers and models as the owner's rows, and everyone's, have them.

    A provider for which the list brings rules is one of its own. Raises PriceListRefused, with both places, for two
    rows that come to say the same.
    """
    names = Spellings([*everyones, *rows, *(row for row in listed.rows if not row.model)])
    entries = {name: names.entry(*name) for name in dict.fromkeys((row.provider, row.model) for row in listed.rows)}
    if all(name == entry for name, entry in entries.items()):
        return listed
    made = tuple(renamed(row, *entries[row.provider, row.model]) for row in listed.rows)
    problems = list(_doubles(listed, made, entries))
    if problems:
        raise PriceListRefused(*problems)
    ended = frozenset(
        replace(each, provider=entry[0], model=entry[1])
        for each in listed.ended
        for entry in [entries[each.provider, each.model]]
    )
    return replace(listed, rows=made, ended=ended)


def _doubles(listed: PriceList, made: Sequence[PriceRow], entries: dict[Entry, Entry]) -> Iterator[str]:
    """What does not fit together about models that the list names in several ways."""
    named = list(entries.values())
    places = listed.places or [f"{row.provider}/{row.model}" for row in listed.rows]
    models: dict[Entry, list[Placed]] = {}
    for place, row in zip(places, made, strict=True):
        models.setdefault((row.provider, row.model), []).append((place, row))
    for entry, placed in models.items():
        if entry[1] and named.count(entry) > 1:
            yield from (f"{place}: {problem}" for place, problem in model_problems(placed))
