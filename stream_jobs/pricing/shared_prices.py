"""The prices for everyone of one revision, compiled once: every state that has this revision shares them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from stream_jobs.pricing.known_rows import under_known_names
from stream_jobs.pricing.price_row import ANY_MODEL, PriceRow
from stream_jobs.pricing.providers import Providers
from stream_jobs.pricing.resolve import Resolution, Resolver
from stream_jobs.pricing.service_tiers import TierSheets, sheets_by_service_tier
from stream_jobs.pricing.underlying import Entry, called, chain, laid, says_all


class SharedPrices:
    """Sheets and matching rules of the rows without an organization. Nothing of it changes."""

    def __init__(self, revision: int, rows: Iterable[PriceRow]) -> None:
        """Raises PriceListRefused, naming the row, when a price, unit, window or matching rule cannot be right."""
        ordered = under_known_names(sorted(rows, key=lambda row: row.position))
        self.revision: Final = revision
        self.rows: Final = tuple(ordered)
        self.providers: Final = Providers(row for row in ordered if not row.model)
        """Those that have rules; organizations share them."""
        self.resolver: Final = Resolver(ordered)
        by_entry = rows_by_entry(ordered)
        self._whole: Final = {entry for entry, of in by_entry.items() if says_all(of)}
        self.chains: Final = {
            entry: chain(entry, [self.resolver], self.says_all) for entry in by_entry if not self.says_all(entry)
        }
        """Models whose prices begin at a date, with the entries under them."""
        self.standard: Final = rows_by_entry(row for row in ordered if not row.service_tier)
        """The standard rows of each model."""
        self.alone: Final = {
            entry: sheets_by_service_tier(of, self.standard_under(self.chains.get(entry, ())))
            for entry, of in by_entry.items()
        }
        """What the rows of each model say."""
        self.sheets: Final[Mapping[Entry, TierSheets]] = {
            **self.alone,
            **{entry: laid(entries, [self.alone]) for entry, entries in self.chains.items()},
        }
        """What holds for each model."""

    def called(self, entry: Entry) -> Entry:
        """By what name its price is stored."""
        return called(self.chains[entry]) if entry in self.chains else entry

    def standard_under(self, entries: Sequence[Resolution]) -> Sequence[PriceRow]:
        """The standard rows of the first entry behind the head of a chain that has any."""
        behind = ((found.provider, found.model) for found in entries[1:])
        return next((self.standard[entry] for entry in behind if entry in self.standard), ())

    def says_all(self, entry: Entry) -> bool:
        """Whether nothing lies under this entry."""
        return entry in self._whole or entry[1] == ANY_MODEL


def rows_by_entry(rows: Iterable[PriceRow]) -> Mapping[Entry, Sequence[PriceRow]]:
    """The rows of each model, both in the order of the rows."""
    grouped: dict[Entry, list[PriceRow]] = {}
    for row in rows:
        if row.model:
            grouped.setdefault((row.provider, row.model), []).append(row)
    return grouped
