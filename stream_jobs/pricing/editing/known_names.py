"""What a name costs by whose prices: an owner's rows and everyone's in, the sheets that hold for a name out."""

from collections.abc import Sequence
from functools import cached_property

from stream_jobs.pricing.editing.dated_sheet import DatedSheet, dated_sheets
from stream_jobs.pricing.price_row import ANY_MODEL, PriceRow
from stream_jobs.pricing.resolve import Resolver
from stream_jobs.pricing.shared_prices import rows_by_entry
from stream_jobs.pricing.underlying import Entry, chain, says_all


class KnownNames:
    """Names as an owner's rows, and everyone's where it is an organization, have them."""

    def __init__(self, rows: Sequence[PriceRow], everyones: Sequence[PriceRow] = ()) -> None:
        self._rows = rows
        self._everyones = everyones
        self._own_rows, self._shared_rows = rows_by_entry(rows), rows_by_entry(everyones)

    def lists(self, provider: str, model: str) -> list[list[DatedSheet]]:
        """The owner's own sheets of the name, those of the entries that it means without it, then everyone's likewise.

        The first list that has a price at some time has the one that holds then.
        """
        return [dated_sheets(rows) for rows in self._found(provider, model)]

    def rows_under(self, provider: str, model: str) -> list[PriceRow]:
        """The rows that hold for a name where the owner has none for it."""
        return [row for rows in self._found(provider, model)[1:] for row in rows]

    def _found(self, provider: str, model: str) -> list[list[PriceRow]]:
        entries = chain((provider, model), self._resolvers, self._says_all)
        owners = (self._own_rows, self._shared_rows) if self._everyones else (self._own_rows,)
        return [
            # A seller's service tiers are its own.
            [row for row in owner.get((of.provider, of.model), ()) if not (of.sold_by and row.service_tier)]
            for owner in owners
            for of in entries
        ]

    def _says_all(self, entry: Entry) -> bool:
        everyones = (self._shared_rows if self._everyones else self._own_rows).get(entry)
        return entry[1] in ("", ANY_MODEL) or (everyones is not None and says_all(everyones))

    @cached_property
    def _resolvers(self) -> list[Resolver]:
        own = Resolver([*(row for row in self._everyones if not row.model), *self._rows])
        return [own, Resolver(self._everyones)] if self._everyones else [own]
