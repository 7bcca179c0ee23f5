"""Counts credits: priced usage, one revision of multipliers and the terms beside them in, integer micro-credits out.

Without other terms a request costs its model's multiplier in credits (2x: 2,000,000 micro-credits), whatever its size.
It counts when it used something, a token or a quantity above zero, whether it succeeded, failed or was cancelled: a
failed call that the provider answered with usage has been paid for, a call that used nothing has not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import polars as pl

from stream_jobs.credits.count import credits_micro
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.terms import TermsRow
from stream_jobs.credits.terms_table import LocatedTerms, TermsTable
from stream_jobs.pricing.quantities import read_quantities
from tokentally.tokens import TOKEN_BUCKETS

DEFAULT_MILLI: Final = 1000

_MAX_REMEMBERED: Final = 65_536
_Key: TypeAlias = tuple[str, str, str]
_Steps: TypeAlias = tuple[tuple[int, int], ...]
"""(from Unix ms, thousandths), ascending."""
_Own: TypeAlias = tuple[tuple[int, int | None], ...]
"""The same of one place; None from an end on."""


@dataclass(frozen=True, slots=True, eq=False)
class _Owned:
    """What one owner has: (provider, model) in lower case, and the steps there."""

    steps: Mapping[tuple[str, str], _Own]


class MultiplierTable:
    """One revision of multipliers and terms. Nothing of it changes; it only remembers which names it has looked up."""

    _own: Mapping[str, _Owned]

    def __init__(self, revision: int, rows: Iterable[MultiplierRow], terms: TermsTable | None = None) -> None:
        """`rows` are one whole revision; of two rows for the same model and date the later one holds."""
        owned: dict[str, list[MultiplierRow]] = {}
        for row in rows:
            owned.setdefault(row.organization, []).append(row)
        self.revision = revision
        self.terms = terms or TermsTable()
        self._shared: Final = _owned(owned.pop("", ()))
        self._own = {name: _owned(of) for name, of in owned.items()}
        self._remembered: Final[dict[tuple[_Owned | None, str, str, str], _Steps]] = {}

    @classmethod
    def from_rows(cls, rows: Iterable[MultiplierRow], *, revision: int, terms: TermsTable | None = None) -> Self:
        """The table of one whole revision."""
        return cls(revision, rows, terms)

    def changed(
        self, revision: int, own: Mapping[str, Sequence[MultiplierRow]], terms: Mapping[str, Sequence[TermsRow]]
    ) -> "MultiplierTable":
        """Another state with the same multipliers and terms for everyone, as if it was made from all its rows.

        own, terms: of the organizations whose rows are others; without rows one has none of its own. All else, also
        what was looked up, is shared with this state.
        """
        table = copy(self)
        table.revision = revision
        table.terms = self.terms.changed(terms)
        table._own = {
            **{name: owned for name, owned in self._own.items() if name not in own},
            **{name: _owned(rows) for name, rows in own.items() if rows},
        }
        return table

    def credit(self, frame: pl.DataFrame, terms: LocatedTerms | None = None) -> pl.DataFrame:
        """The priced frame, rows in their order, with credits_micro (Int64).

        terms: of this frame, when they are known already. What does not fit is the largest Int64; reject the rows that
        `exceeds_credits_bound` names before anything is summed.
        """
        tokens = frame.select(pl.sum_horizontal(TOKEN_BUCKETS).alias("tokens")).to_series()
        used = _used(tokens, frame["quantities"]).alias("used")
        events = pl.DataFrame([self._milli(frame), used, tokens, frame["cost_nano_usd"]])
        return frame.with_columns(credits_micro(events, terms or self.terms.located(frame)))

    def milli_of(self, organization: str, priced_as: str, provider: str, model: str, time_ms: int) -> int:
        """The multiplier of one call, in thousandths."""
        steps = self._lookup(self._own.get(organization), priced_as, provider, model)
        return [milli for index, (start_ms, milli) in enumerate(steps) if not index or start_ms <= time_ms][-1]

    def _milli(self, frame: pl.DataFrame) -> pl.Series:
        own = self._own_names(frame)
        names = frame.select("priced_as", "provider", "model", *own)
        distinct = names.unique()
        steps = [self._lookup(self._own.get(row[3]) if own else None, *row[:3]) for row in distinct.iter_rows()]
        depth = max((len(found) for found in steps), default=1)
        distinct = distinct.with_columns(_columns(steps, depth))
        located = names.join(distinct, on=names.columns, how="left", maintain_order="left")
        located = located.select(pl.col(r"^(from_ms|milli)_\d+$"), frame["time"].dt.epoch("ms").alias("time_ms"))
        milli = pl.col("milli_0")
        for level in range(1, depth):
            holds = pl.col(f"from_ms_{level}") <= pl.col("time_ms")
            milli = pl.when(holds).then(pl.col(f"milli_{level}")).otherwise(milli)
        return located.select(milli.alias("milli")).to_series()

    def _own_names(self, frame: pl.DataFrame) -> list[pl.Expr]:
        """The organization where it has multipliers of its own, else ""; nothing where none of the frame has any."""
        if not self._own:
            return []
        present = frame["organization"].unique()
        mine = [name for name in present if name in self._own]
        if len(mine) == len(present):
            return [pl.col("organization")]
        organization = pl.col("organization")
        own = pl.when(organization.is_in(mine)).then(organization).otherwise(pl.lit(""))
        return [own.alias("organization")] if mine else []

    def _lookup(self, own: _Owned | None, priced_as: str, provider: str, model: str) -> _Steps:
        key = (own, priced_as, provider, model)
        steps = self._remembered.get(key)
        if steps is None:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            steps = self._remembered[key] = self._found(*key)
        return steps

    def _found(self, own: _Owned | None, priced_as: str, provider: str, model: str) -> _Steps:
        """The multipliers of the most specific place by date; before its first date and after an end, of the next."""
        steps: _Steps = ((0, DEFAULT_MILLI),)
        owners = {"own": own or self._shared, "": self._shared}
        named = places("own" if own else "", priced_as.lower(), provider.strip().lower(), model.strip().lower())
        for owner, *name in reversed(list(named)):
            if there := owners[owner].steps.get((name[0], name[1])):
                steps = _laid_over(steps, there)
        return steps


def _owned(rows: Iterable[MultiplierRow]) -> _Owned:
    dated: dict[tuple[str, str], dict[int, int | None]] = {}
    for row in rows:
        milli = None if row.ended else row.multiplier_milli
        steps = dated.setdefault((row.provider.lower(), row.model.lower()), {})
        steps[int(row.effective_from.timestamp()) * 1000] = milli
    return _Owned({name: tuple(sorted(steps.items(), key=_start)) for name, steps in dated.items()})


def _start(step: tuple[int, int | None]) -> int:
    return step[0]


def _laid_over(lower: _Steps, own: _Own) -> _Steps:
    """Its own multipliers where it has any, the lower ones elsewhere."""
    starts = sorted({max(0, start) for start, _ in (*lower, *own)})
    return tuple((start, _at(own, start, _at(lower, start, DEFAULT_MILLI))) for start in starts)


def _at(steps: _Own, time_ms: int, otherwise: int) -> int:
    """The multiplier that holds at an instant; `otherwise` where there is none."""
    milli = next((milli for start_ms, milli in reversed(steps) if start_ms <= time_ms), None)
    return otherwise if milli is None else milli


def places(organization: str, priced_as: str, provider: str, model: str) -> Iterator[_Key]:
    """Where a multiplier may stand (organization, provider, model), the most specific place first; lower case."""
    entry_provider, _, entry_model = priced_as.partition("/")
    owners = (organization, "") if organization else ("",)
    for owner in owners:
        if entry_model:
            yield owner, entry_provider, entry_model
            yield owner, "", entry_model
        if model:
            yield owner, provider, model
            yield owner, "", model
    for owner in owners:
        yield owner, "", ""


def _columns(steps: list[_Steps], depth: int) -> list[pl.Series]:
    """Level 0 always holds; level n holds from its date on, and never where a model has fewer levels."""
    never = 2**62
    padded = [(*found, *[(never, 0)] * (depth - len(found))) for found in steps]
    columns = [pl.Series("milli_0", [found[0][1] for found in padded], dtype=pl.Int64)]
    for level in range(1, depth):
        columns.append(pl.Series(f"from_ms_{level}", [found[level][0] for found in padded], dtype=pl.Int64))
        columns.append(pl.Series(f"milli_{level}", [found[level][1] for found in padded], dtype=pl.Int64))
    return columns


def _used(tokens: pl.Series, quantities: pl.Series) -> pl.Series:
    """1 for rows that used something, 0 for others."""
    used = tokens > 0
    rows = ((quantities != "") & ~used).arg_true()
    if not rows.is_empty():
        used.scatter(rows, [bool(read_quantities(text)) for text in quantities.gather(rows)])
    return used.cast(pl.Int64)
