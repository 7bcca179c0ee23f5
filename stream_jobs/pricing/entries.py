"""The numbers of entries, and by number all that a price follows from: prices for everyone and of organisations in,
tables out.

All states with the same prices for everyone share these. A change of one organisation puts its new entries behind all
others; what is there keeps its number.
"""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from stream_jobs.pricing.levels import joined
from stream_jobs.pricing.own_names import OwnNames
from stream_jobs.pricing.own_prices import OwnPrices
from stream_jobs.pricing.rare_units import RareUnits
from stream_jobs.pricing.rate_card import RateCard
from stream_jobs.pricing.rate_table import RateTable
from stream_jobs.pricing.remembered import Remembered
from stream_jobs.pricing.service_tiers import ServiceTierEntries, numbered
from stream_jobs.pricing.shared_prices import SharedPrices
from stream_jobs.pricing.sheet import DAY_MS, Sheet
from stream_jobs.pricing.underlying import Entry

UNKNOWN: Final = 0
NO_MODEL: Final = 1
FIRST_ENTRY: Final = 2
UNUSED: Final = 4096
"""So many entries that no longer hold are kept in any case; beyond, as many as those that do."""

_UNKNOWN: Final = Sheet(0, 0, DAY_MS, (RateCard(0, "unknown", {}),))
_NO_MODEL: Final = Sheet(0, 0, DAY_MS, (RateCard(0, "no model", {}),))


@dataclass(frozen=True, slots=True)
class Tables:
    """By number of the entry. priced_as: what it is called, provider/model."""

    priced_as: pl.Series
    service_tiers: ServiceTierEntries
    rates: RateTable
    rare_units: RareUnits

    @classmethod
    def of(cls, shared: SharedPrices) -> "Tables":
        """Those that every list has, then those of this one."""
        sheets, tiers = numbered([{"": (_UNKNOWN,)}, {"": (_NO_MODEL,)}, *shared.sheets.values()], 0)
        called = (shared.called(entry) for entry in shared.sheets)
        names = [*[""] * FIRST_ENTRY, *_names(called, len(sheets) - FIRST_ENTRY)]
        rates = RateTable.of(sheets, no_sheet=_UNKNOWN)
        return cls(
            pl.Series(names, dtype=pl.String),
            ServiceTierEntries(pl.Series(tiers, dtype=pl.UInt32)),
            rates,
            RareUnits(rates.cards),
        )

    def extended(self, groups: Iterable[OwnPrices]) -> "Tables":
        """With further groups of entries behind these."""
        names: list[str] = []
        sheets: list[tuple[Sheet, ...]] = []
        tiers: list[int] = []
        for group in groups:
            found, numbers = numbered(list(group.sheets.values()), len(self.priced_as) + len(sheets))
            names += _names((group.called[entry] for entry in group.sheets), len(found))
            sheets += found
            tiers += numbers
        rates = self.rates.extended(sheets)
        return Tables(
            joined(self.priced_as, pl.Series(names, dtype=pl.String)),
            self.service_tiers.extended(tiers),
            rates,
            RareUnits(rates.cards, self.rare_units),
        )


@dataclass(frozen=True, slots=True, eq=False)
class OwnEntries:
    """The entries of one organisation and their numbers; size: how many numbers they take, service tiers included."""

    prices: OwnPrices
    numbers: Mapping[Entry, int]
    size: int


class Entries:
    """Grows under a lock, and may be read meanwhile: whoever reads takes `tables` once."""

    def __init__(self, shared: SharedPrices) -> None:
        self.shared: Final = shared
        self.names: Final = OwnNames(shared)
        self.numbers: Final[Mapping[Entry, int]] = {
            entry: number for number, entry in enumerate(shared.sheets, start=FIRST_ENTRY)
        }
        self.tables = Tables.of(shared)
        self.found: Final[Remembered[int]] = Remembered()
        """Which entry a provider and a model mean."""
        self.sold: Final[Remembered[bool]] = Remembered()
        """Whether the provider sells the model of another one."""
        self._shared_size: Final = len(self.tables.priced_as)
        self._lock: Final = threading.Lock()

    def placed(self, own: Mapping[str, OwnPrices]) -> dict[str, OwnEntries]:
        """The prices of organisations with numbers, by organisation."""
        with self._lock:
            first = len(self.tables.priced_as)
            self.names.add(own.values())
            placed: dict[str, OwnEntries] = {}
            for name, prices in own.items():
                size = sum(map(len, prices.sheets.values()))
                numbers = {entry: number for number, entry in enumerate(prices.sheets, start=first)}
                placed[name] = OwnEntries(prices, numbers, size)
                first += size
            if placed:
                self.tables = self.tables.extended(own.values())
        return placed

    def has_room(self, own: Collection[OwnEntries], further: Collection[OwnPrices]) -> bool:
        """Whether a state with these organisations may put further ones here; else most of what is here is unused."""
        more = sum(len(tiers) for prices in further for tiers in prices.sheets.values())
        used = sum(entries.size for entries in own) + more
        return len(self.tables.priced_as) - self._shared_size + more <= 2 * used + UNUSED


def _names(entries: Iterable[Entry], numbers: int) -> list[str]:
    """What each is called; those of service tiers are never asked for."""
    names = [f"{provider}/{model}" for provider, model in entries]
    return [*names, *[""] * (numbers - len(names))]
