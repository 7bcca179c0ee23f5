"""Finds the catalogue entry of each event of a frame: names in, entry numbers out, each distinct name resolved once."""

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.resolve import Resolution, Resolver

UNKNOWN: Final = 0
NO_MODEL: Final = 1
FIRST_ENTRY: Final = 2

_MAX_REMEMBERED: Final = 65_536


class EntryIndex:
    """Entries by organization, provider and model. It only remembers which names it has resolved."""

    def __init__(self, rows: Sequence[PriceRow]) -> None:
        """`rows` by position. Raises PriceListRefused for a matching rule of no known kind."""
        providers = [row for row in rows if not row.organization and not row.model]
        keys = dict.fromkeys((row.organization, row.provider, row.model) for row in rows if row.model)
        self.keys: Final = tuple(keys)
        self._number: Final = {key: number for number, key in enumerate(keys, start=FIRST_ENTRY)}
        self._shared: Final = Resolver(row for row in rows if not row.organization)
        own: dict[str, list[PriceRow]] = {}
        for row in rows:
            if row.organization:
                own.setdefault(row.organization, []).append(row)
        self._own: Final = {name: Resolver([*providers, *own_rows]) for name, own_rows in own.items()}
        self._anyones: Final = Resolver([*providers, *(row for row in rows if row.organization)])
        self._overridden: Final = {key[1:] for key in keys if key[0]}
        self._remembered: Final[dict[tuple[str, str, str], int]] = {}
        self._may_be_own: Final[dict[tuple[str, str], bool]] = {}

    def resolve(self, organization: str, provider: str, model: str) -> Resolution | None:
        """Which entry a name means for this organization, and why; None when nobody knows the model."""
        own = self._own.get(organization)
        return (own and own.resolve(provider, model)) or self._shared.resolve(provider, model)

    def locate(self, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Each row's entry number (UInt32), and the numbers that occur."""
        names = frame.select("provider", "model")
        if self._own:
            names = names.with_columns(self._own_or_shared(frame).alias("organization"))
        distinct = names.unique()
        found = [self._entry(*row) for row in distinct.iter_rows()]
        distinct = distinct.with_columns(pl.Series("entry", found, dtype=pl.UInt32))
        return _joined(names, distinct, "entry"), distinct["entry"]

    def _own_or_shared(self, frame: pl.DataFrame) -> pl.Series:
        """The organization where it may have a price of its own for this model, else empty: fewer names to resolve."""
        names = frame.select("provider", "model")
        distinct = names.unique()
        may_be_own = [self._is_anyones(*row) for row in distinct.iter_rows()]
        distinct = distinct.with_columns(pl.Series("may_be_own", may_be_own, dtype=pl.Boolean))
        organization = frame["organization"]
        own = _joined(names, distinct, "may_be_own") & organization.is_in(list(self._own))
        return frame.select(pl.when(own).then("organization").otherwise(pl.lit("")).alias("own"))["own"]

    def _is_anyones(self, provider: str, model: str) -> bool:
        key = (provider, model)
        found = self._may_be_own.get(key)
        if found is None:
            shared = self._shared.resolve(provider, model)
            overridden = shared is not None and (shared.provider, shared.model) in self._overridden
            found = overridden or self._anyones.resolve(provider, model) is not None
            _make_room(self._may_be_own)
            self._may_be_own[key] = found
        return found

    def _entry(self, provider: str, model: str, organization: str = "") -> int:
        key = (organization, provider, model)
        entry = self._remembered.get(key)
        if entry is None:
            _make_room(self._remembered)
            entry = self._remembered[key] = self._resolved(*key)
        return entry

    def _resolved(self, organization: str, provider: str, model: str) -> int:
        found = self.resolve(organization, provider, model)
        if found is None:
            return UNKNOWN if model else NO_MODEL
        entry = (found.provider, found.model)
        return self._number.get((organization, *entry)) or self._number.get(("", *entry), UNKNOWN)


def priced_as(keys: Iterable[tuple[str, str, str]]) -> pl.Series:
    """What each entry number is called: provider/model."""
    return pl.Series([*[""] * FIRST_ENTRY, *(f"{provider}/{model}" for _, provider, model in keys)], dtype=pl.String)


def _joined(names: pl.DataFrame, distinct: pl.DataFrame, column: str) -> pl.Series:
    return names.join(distinct, on=names.columns, how="left", maintain_order="left")[column]


def _make_room(remembered: dict[tuple[str, str, str], int] | dict[tuple[str, str], bool]) -> None:
    if len(remembered) >= _MAX_REMEMBERED:
        remembered.clear()
