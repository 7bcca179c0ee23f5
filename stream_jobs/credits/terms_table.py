"""Finds the terms of whole frames: dated rows of organizations in, which terms hold for which event out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

import polars as pl

from stream_jobs.credits.terms import Terms, TermsRow

_Steps: TypeAlias = tuple[tuple[int, Terms], ...]
"""(from Unix ms, terms), ascending; the first holds always."""

_NEVER_MS: Final = 2**62


@dataclass(frozen=True, slots=True)
class LocatedTerms:
    """The terms of a frame's events. places: for each event its terms' place in `present`; None: all have the first."""

    present: tuple[Terms, ...]
    places: pl.Series | None = None

    def each(self, value: Callable[[Terms], Any], dtype: type[pl.DataType]) -> pl.Expr:
        """What `value` says of each event's terms."""
        values = pl.Series([value(terms) for terms in self.present], dtype=dtype)
        return pl.lit(values[0], dtype=dtype) if self.places is None else pl.lit(values.gather(self.places))


class TermsTable:
    """The terms of one state of the configuration. Nothing of it changes."""

    _own: Mapping[str, _Steps]

    def __init__(self, rows: Iterable[TermsRow] = ()) -> None:
        """Without rows everybody has the terms that `Terms` begins with; of two rows for the same organization and
        date the later one holds."""
        owned = _by_organization(rows)
        self._shared: Final[_Steps] = _before(((0, _one_of_equals(Terms())),), _steps(owned.pop("", ())))
        self._own = {name: _before(self._shared, _steps(of)) for name, of in owned.items()}

    def changed(self, own: Mapping[str, Sequence[TermsRow]]) -> "TermsTable":
        """The table with other terms of these organizations; without rows one has none of its own."""
        table = copy(self)
        table._own = {
            **{name: steps for name, steps in self._own.items() if name not in own},
            **{name: _before(self._shared, _steps(rows)) for name, rows in own.items() if rows},
        }
        return table

    def at(self, organization: str, time_ms: int) -> Terms:
        """The terms of an organization at an instant (Unix ms): its own ones, before their first date the default."""
        steps = self._own.get(organization, self._shared)
        return [terms for start_ms, terms in steps if start_ms <= time_ms or not start_ms][-1]

    def located(self, frame: pl.DataFrame) -> LocatedTerms:
        """The terms of each event by its organization and time."""
        if not self._own and len(self._shared) == 1:
            return LocatedTerms((self._shared[0][1],))
        names = frame.select("organization").unique()
        steps = [self._own.get(name, self._shared) for name in names["organization"]]
        # By identity: to compare terms takes longer than to count by them.
        present = {id(terms): terms for found in steps for _, terms in found}
        if len(present) <= 1:
            return LocatedTerms(tuple(present.values()) or (Terms(),))
        place = {identity: index for index, identity in enumerate(present)}
        depth = max(map(len, steps))
        places = [[(start_ms, place[id(terms)]) for start_ms, terms in found] for found in steps]
        distinct = names.with_columns(_columns(places, depth))
        rows = frame.select("organization", pl.col("time").dt.epoch("ms").alias("time_ms"))
        rows = rows.join(distinct, on="organization", how="left", maintain_order="left")
        chosen = pl.col("place_0")
        for level in range(1, depth):
            holds = pl.col(f"from_ms_{level}") <= pl.col("time_ms")
            chosen = pl.when(holds).then(pl.col(f"place_{level}")).otherwise(chosen)
        return LocatedTerms(tuple(present.values()), rows.select(chosen).to_series())


def _by_organization(rows: Iterable[TermsRow]) -> dict[str, list[TermsRow]]:
    owned: dict[str, list[TermsRow]] = {}
    for row in rows:
        owned.setdefault(row.organization, []).append(row)
    return owned


def _steps(rows: Iterable[TermsRow]) -> _Steps:
    dated = {int(row.effective_from.timestamp()) * 1000: row.terms for row in rows}
    return tuple((start_ms, _one_of_equals(dated[start_ms])) for start_ms in sorted(dated))


@lru_cache(maxsize=65_536)
def _one_of_equals(terms: Terms) -> Terms:
    """The same object for terms that say the same: what many organizations agreed to is counted at once."""
    return terms


def _before(earlier: _Steps, own: _Steps) -> _Steps:
    """An organization's own steps, and before the first of them those that hold without it."""
    return (*(step for step in earlier if not own or step[0] < own[0][0]), *own)


def _columns(steps: list[list[tuple[int, int]]], depth: int) -> list[pl.Series]:
    """Level 0 always holds; level n from its date on, and never where an organization has fewer levels."""
    padded = [found + [(_NEVER_MS, 0)] * (depth - len(found)) for found in steps]
    columns = [pl.Series("place_0", [found[0][1] for found in padded], dtype=pl.Int32)]
    for level in range(1, depth):
        columns.append(pl.Series(f"from_ms_{level}", [found[level][0] for found in padded], dtype=pl.Int64))
        columns.append(pl.Series(f"place_{level}", [found[level][1] for found in padded], dtype=pl.Int32))
    return columns
