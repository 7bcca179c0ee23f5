"""The price books and multiplier tables that are in force somewhere, by state; loaded when they come into force, and
forgotten when nothing needs them any more."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing.errors import PriceListRefused, RevisionMissing
from stream_jobs.pricing.price_book import PriceBook

FIRST = 0
"""Stands for the first revision for everyone: in force until the log says otherwise."""
UNUSABLE: Final = (PriceListRefused, CreditRulesRefused, RevisionMissing)
"""Why a state cannot be loaded, whenever it is tried."""


@dataclass(slots=True)
class Books:
    """Loaded states by number; `FIRST` among them always. The loaders block and may wait."""

    prices: dict[int, PriceBook]
    multipliers: dict[int, MultiplierTable]
    load_prices: Callable[[int], PriceBook] | None = None
    load_multipliers: Callable[[int], MultiplierTable] | None = None
    _prices_of_jobs: frozenset[int] = field(default=frozenset(), init=False)
    _multipliers_of_jobs: frozenset[int] = field(default=frozenset(), init=False)

    @classmethod
    def of(cls, prices: PriceBook, multipliers: MultiplierTable) -> "Books":
        """With the first revision alone."""
        return cls({FIRST: prices}, {FIRST: multipliers})

    def need(self, prices: Iterable[int], multipliers: Iterable[int]) -> None:
        """Loads the states that are not loaded yet, older ones first. Raises what UNUSABLE names."""
        for revision in sorted(set(prices)):
            self._price_book(revision)
        for revision in sorted(set(multipliers)):
            self._multiplier_table(revision)

    def needed(self, prices: int, multipliers: int) -> tuple[PriceBook, MultiplierTable]:
        """One state of each, loaded where it is not yet: for whoever works beside those that forget.

        Raises what UNUSABLE names.
        """
        book, table = self.needed_prices(prices), self._multiplier_table(multipliers)
        if table is None:
            raise RevisionMissing(f"multipliers {multipliers} are not known here")
        return book, table

    def needed_prices(self, prices: int) -> PriceBook:
        """The same of prices alone."""
        book = self._price_book(prices)
        if book is None:
            raise RevisionMissing(f"prices {prices} are not known here")
        return book

    def _price_book(self, revision: int) -> PriceBook | None:
        found = self.prices.get(revision)
        if found is None and self.load_prices is not None:
            found = self.prices[revision] = self.load_prices(revision)
        return found

    def _multiplier_table(self, revision: int) -> MultiplierTable | None:
        found = self.multipliers.get(revision)
        if found is None and self.load_multipliers is not None:
            found = self.multipliers[revision] = self.load_multipliers(revision)
        return found

    def for_jobs(self, prices: Iterable[int], multipliers: Iterable[int]) -> None:
        """What open jobs compute with is kept until other jobs are told."""
        self._prices_of_jobs, self._multipliers_of_jobs = frozenset(prices), frozenset(multipliers)

    def forget_others(self, prices: Iterable[int], multipliers: Iterable[int]) -> None:
        """Forgets the states that neither partitions (those given) nor open jobs need."""
        _forget(self.prices, {FIRST, *prices, *self._prices_of_jobs})
        _forget(self.multipliers, {FIRST, *multipliers, *self._multipliers_of_jobs})


def _forget(states: dict[int, PriceBook] | dict[int, MultiplierTable], needed: set[int]) -> None:
    for revision in list(states):
        if revision not in needed:
            del states[revision]
