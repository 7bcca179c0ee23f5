"""A list under the names that prices are stored by: its rows and those that there are in, the same list renamed out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from stream_jobs.pricing.editing.known_names import KnownNames
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

    Raises PriceListRefused as that and `known_list` do, and for hours and contexts of which neither the list nor what
    is known has a price.
    """
    known = known_list(listed, rows, everyones)
    made = with_list(rows, known.rows, replaces, effective_from, everyones, known.ended)
    problems = list(_without_price(known, made, everyones))
    if problems:
        raise PriceListRefused(*problems)
    return made


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


def _without_price(listed: PriceList, made: Sequence[PriceRow], everyones: Sequence[PriceRow]) -> Iterator[str]:
    """What the list leaves without a price, and what it was laid over too; told of the list, with its places."""
    said = {entry: list(model_problems(rows, ())) for entry, rows in _by_entry(listed, listed.rows).items() if entry[1]}
    names = KnownNames(made, everyones)
    for entry, problems in said.items():
        if problems:
            laid = [("", row) for row in made if (row.provider, row.model) == entry]
            left = {problem for _, problem in model_problems(laid, names.rows_under(*entry))}
            yield from (f"{place}: {problem}" for place, problem in problems if problem in left)


def _by_entry(listed: PriceList, rows: Sequence[PriceRow]) -> dict[Entry, list[Placed]]:
    """The list's rows, under the names that they have here, with their places."""
    places = listed.places or [f"{row.provider}/{row.model}" for row in listed.rows]
    models: dict[Entry, list[Placed]] = {}
    for place, row in zip(places, rows, strict=True):
        models.setdefault((row.provider, row.model), []).append((place, row))
    return models


def _doubles(listed: PriceList, made: Sequence[PriceRow], entries: dict[Entry, Entry]) -> Iterator[str]:
    """What does not fit together about models that the list names in several ways."""
    named = list(entries.values())
    for entry, placed in _by_entry(listed, made).items():
        if entry[1] and named.count(entry) > 1:
            yield from (f"{place}: {problem}" for place, problem in model_problems(placed))
