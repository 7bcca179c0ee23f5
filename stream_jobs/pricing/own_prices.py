"""What one organisation has of its own: the prices for everyone and its rows in, its rules and sheets compiled out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stream_jobs.pricing.known_rows import under_known_names
from stream_jobs.pricing.price_row import NO_RATES, PriceRow
from stream_jobs.pricing.resolve import Resolution, Resolver
from stream_jobs.pricing.service_tiers import TierSheets, sheets_by_service_tier
from stream_jobs.pricing.shared_prices import SharedPrices, rows_by_entry
from stream_jobs.pricing.underlying import Entry, called, chain, laid


@dataclass(frozen=True, slots=True, eq=False)
class OwnPrices:
    """Compiled once: every state that has this revision of the organisation's shares it.

    sheets: of its models, and of everyone's that lie over one of them. called: by what name they are stored. patterns:
    one row of each of its models, with the rule that finds it. has_rules: whether it says of providers how they are
    found.
    """

    resolver: Resolver
    sheets: Mapping[Entry, TierSheets]
    called: Mapping[Entry, Entry]
    patterns: tuple[PriceRow, ...]
    has_rules: bool


def own_prices(shared: SharedPrices, rows: Iterable[PriceRow]) -> OwnPrices:
    """The rows of one organisation over those for everyone.

    Raises PriceListRefused, naming the row, when a price, unit, window or matching rule cannot be right.
    """
    ordered = under_known_names(sorted(rows, key=lambda row: row.position), shared.resolver.providers)
    by_entry = rows_by_entry(ordered)
    resolvers = [Resolver(ordered, shared.providers), shared.resolver]
    over = [name for name, under in shared.chains.items() if any((of.provider, of.model) in by_entry for of in under)]
    chains = {name: chain(name, resolvers, shared.says_all) for name in dict.fromkeys((*by_entry, *over))}
    usual = {entry: shared.standard.get(entry) or _under(shared, by_entry, chains[entry]) for entry in by_entry}
    alone = {entry: sheets_by_service_tier(of, usual[entry]) for entry, of in by_entry.items()}
    return OwnPrices(
        resolvers[0],
        {name: laid(entries, [shared.alone, alone]) for name, entries in chains.items()},
        {name: called(entries) for name, entries in chains.items()},
        tuple(of[0] for of in by_entry.values()),
        any(not row.model for row in ordered),
    )


def _under(
    shared: SharedPrices, own: Mapping[Entry, Sequence[PriceRow]], entries: Sequence[Resolution]
) -> list[PriceRow]:
    """Everyone's standard rows for a name without any of its own, and over them what the organisation agreed to."""
    agreed = (row for found in reversed(entries[1:]) for row in own.get((found.provider, found.model), ()))
    return [*shared.standard_under(entries), *(row for row in agreed if not row.service_tier and row.unit != NO_RATES)]


def by_organization(rows: Iterable[PriceRow]) -> dict[str, list[PriceRow]]:
    """The rows of each organisation."""
    grouped: dict[str, list[PriceRow]] = {}
    for row in rows:
        grouped.setdefault(row.organization, []).append(row)
    return grouped
