"""Finds the catalogue entry of each event of a frame: names in, entry numbers out, each distinct name resolved once."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import polars as pl

from stream_jobs.pricing.entries import NO_MODEL, UNKNOWN, Entries, OwnEntries
from stream_jobs.pricing.remembered import Remembered
from stream_jobs.pricing.resolve import Resolution, meant

_Told = TypeVar("_Told", int, bool)


class EntryIndex:
    """Entries by organization, provider and model: those for everyone, and each organization's own. What it has looked
    up is remembered for all states with the same entries."""

    def __init__(self, entries: Entries, own: Mapping[str, OwnEntries]) -> None:
        self._entries: Final = entries
        self._own: Final = own
        self._with_rules: Final = [name for name, mine in own.items() if mine.prices.has_rules]

    def resolve(self, organization: str, provider: str, model: str) -> Resolution | None:
        """Which entry a name means for this organization, and why; None when nobody knows the model."""
        return self._meant(self._own.get(organization), provider, model)

    def _meant(self, own: OwnEntries | None, provider: str, model: str) -> Resolution | None:
        everyones = self._entries.shared.resolver
        return meant([everyones] if own is None else [own.prices.resolver, everyones], provider, model)

    def locate(self, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Each row's entry number (UInt32), and the numbers that occur."""
        entry, present = self._found(frame, self._entry, self._entries.found, pl.UInt32)
        return entry.alias("entry"), present

    def is_sold_by_another(self, frame: pl.DataFrame) -> pl.Series:
        """Which rows name a provider that sells the model of another one (Boolean)."""
        is_sold, _ = self._found(frame, self._is_sold, self._entries.sold, pl.Boolean)
        return is_sold

    def _found(
        self,
        frame: pl.DataFrame,
        find: Callable[[OwnEntries | None, str, str], _Told],
        remembered: Remembered[_Told],
        dtype: type[pl.DataType],
    ) -> tuple[pl.Series, pl.Series]:
        """What `find` says of each row's provider, model and organization, and the answers that occur.

        It is asked once for each name; with the organization only where that may have a price of its own for it.
        """
        names = frame.select("provider", "model")
        known = names.unique()
        asked_for = known.rows()
        found = remembered.everyones(asked_for, lambda name: find(None, *name))
        known = known.with_columns(pl.Series("found", found, dtype=dtype))
        if not self._own:
            return _joined(names, known, "found"), known["found"]
        may_be_own = self._entries.names.may_be_own(asked_for)
        known = known.with_columns(pl.Series("may_be_own", may_be_own, dtype=pl.Boolean))
        told = names.join(known, on=names.columns, how="left", maintain_order="left")
        asked = told["may_be_own"]
        if self._with_rules:
            asked = asked | frame["organization"].is_in(self._with_rules)
        rows = asked.arg_true()
        if rows.is_empty():
            return told["found"], known["found"]
        names = frame.select("provider", "model", "organization")[rows]
        own = names.unique()
        found = [
            remembered.of((self._own.get(organization), provider, model), find)
            for provider, model, organization in own.iter_rows()
        ]
        own = own.with_columns(pl.Series("found", found, dtype=dtype))
        told_found = told["found"].scatter(rows, _joined(names, own, "found"))
        return told_found, pl.concat([known["found"], own["found"].unique()])

    def _is_sold(self, own: OwnEntries | None, provider: str, model: str) -> bool:
        found = self._meant(own, provider, model)
        return found is not None and found.sold_by != ""

    def _entry(self, own: OwnEntries | None, provider: str, model: str) -> int:
        found = self._meant(own, provider, model)
        if found is None:
            return UNKNOWN if model else NO_MODEL
        entry = (found.provider, found.model)
        mine = own.numbers.get(entry) if own is not None else None
        return self._entries.numbers.get(entry, UNKNOWN) if mine is None else mine


def _joined(names: pl.DataFrame, distinct: pl.DataFrame, column: str) -> pl.Series:
    return names.join(distinct, on=names.columns, how="left", maintain_order="left")[column]
