"""What a name costs where its own entry has no price: the entries that a name means in, one set of sheets out.

A price that people set for a name that another entry priced until then (a dated model name, a route, an organisation's
own) begins at a date. Before that date, and after its end, the name costs what the other entry says: so that one's
sheets lie under its own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from stream_jobs.pricing.overrides import tiers_layered
from stream_jobs.pricing.price_row import ALWAYS, ANY_MODEL, PriceRow
from stream_jobs.pricing.resolve import Resolution, Resolver, meant
from stream_jobs.pricing.service_tiers import TierSheets

Entry: TypeAlias = tuple[str, str]
"""Provider and model in the catalogue."""


def says_all(rows: Sequence[PriceRow]) -> bool:
    """Whether nothing lies under a model for everyone: it has prices from the beginning, and after its end none.

    Prices of a service tier or a daily window alone leave the rest of its usage to others.
    """
    standard = (row for row in rows if not row.service_tier and not row.daily_from)
    return any(row.effective_from == ALWAYS for row in standard)


def chain(name: Entry, resolvers: Sequence[Resolver], is_whole: Callable[[Entry], bool]) -> list[Resolution]:
    """The entry of this name, the one that the name means without it, and so on until one says all there is."""
    entry, passed = name, {name}
    found = [Resolution(*name, rule="")]
    while not is_whole(entry) and (further := meant(resolvers, *name, passed)) is not None:
        entry = (further.provider, further.model)
        passed.add(entry)
        found.append(further)
    return found


def laid(entries: Sequence[Resolution], lists: Iterable[Mapping[Entry, TierSheets]]) -> TierSheets:
    """The sheets of a chain. lists: of each entry alone; a later list lies over an earlier one (what an organisation
    agreed to over everyone's prices), and in each an entry over those behind it.

    A seller's service tiers are its own.
    """
    tiers: TierSheets = {}
    for alone in lists:
        for found in reversed(entries):
            sheets = alone.get((found.provider, found.model))
            if sheets is not None:
                tiers = tiers_layered(tiers, {"": sheets[""]} if found.sold_by else sheets)
    return tiers


def called(entries: Sequence[Resolution]) -> Entry:
    """What the entry of a chain is called in stored usage: as it was before a name had a price of its own.

    Multipliers and reports go by it, so that a price changes the price alone.
    """
    last = next((found for found in reversed(entries) if found.model != ANY_MODEL), entries[0])
    return last.provider, last.model
