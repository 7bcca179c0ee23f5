"""The price books and multiplier tables that are in force somewhere, by revision; loaded when they come into force."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing.price_book import PriceBook

FIRST = 0
"""Stands for the first revision there is: in force until the log says otherwise."""
KEPT = 4
"""Books of each kind that are kept when nobody needs them."""


@dataclass(slots=True)
class Books:
    """Loaded revisions; `FIRST` among them always. The loaders block and may wait."""

    prices: dict[int, PriceBook]
    multipliers: dict[int, MultiplierTable]
    load_prices: Callable[[int], PriceBook] | None = None
    load_multipliers: Callable[[int], MultiplierTable] | None = None
    _used: list[tuple[str, int]] = field(default_factory=list, init=False)

    @classmethod
    def of(cls, prices: PriceBook, multipliers: MultiplierTable) -> "Books":
        """With the first revision alone."""
        return cls({FIRST: prices}, {FIRST: multipliers})

    def need(self, prices: Iterable[int], multipliers: Iterable[int]) -> None:
        """Loads what is not loaded yet. Raises RevisionMissing where there is no such revision."""
        for revision in set(prices) - self.prices.keys():
            if self.load_prices is not None:
                self.prices[revision] = self.load_prices(revision)
        for revision in set(multipliers) - self.multipliers.keys():
            if self.load_multipliers is not None:
                self.multipliers[revision] = self.load_multipliers(revision)

    def forget_but(self, prices: Iterable[int], multipliers: Iterable[int]) -> None:
        """Forgets the oldest of what is neither named nor the first, down to KEPT."""
        for books, needed in ((self.prices, {FIRST, *prices}), (self.multipliers, {FIRST, *multipliers})):
            for revision in sorted(books.keys() - needed)[:-KEPT]:
                del books[revision]
