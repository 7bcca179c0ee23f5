"""Counts credits: priced usage and one revision of multipliers in, integer micro-credits out.

A request costs its model's multiplier in credits (2x: 2,000,000 micro-credits), whatever its size. It counts when it
used something, a token or a quantity above zero, whether it succeeded, failed or was cancelled: a failed call that the
provider answered with usage has been paid for, a call that used nothing has not.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Self, TypeAlias

import polars as pl

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.quantities import read_quantities
from tokentally.tokens import TOKEN_BUCKETS

MICRO_PER_MILLI: Final = 1000
DEFAULT_MILLI: Final = 1000

_MAX_REMEMBERED: Final = 65_536
_Key: TypeAlias = tuple[str, str, str]
_Steps: TypeAlias = tuple[tuple[int, int], ...]  # (from Unix ms, thousandths), ascending


class MultiplierTable:
    """One revision of multipliers. Nothing of it changes; it only remembers which names it has looked up."""

    def __init__(self, revision: int, rows: Iterable[MultiplierRow]) -> None:
        """`rows` are one whole revision; of two rows for the same model and date the later one holds."""
        dated: dict[_Key, dict[int, int]] = {}
        for row in rows:
            key = (row.organization, row.provider.lower(), row.model.lower())
            dated.setdefault(key, {})[int(row.effective_from.timestamp()) * 1000] = row.multiplier_milli
        self.revision: Final = revision
        self._steps: Final = {key: tuple(sorted(steps.items())) for key, steps in dated.items()}
        self._organizations: Final = sorted({organization for organization, _, _ in dated if organization})
        self._remembered: Final[dict[tuple[str, str, str, str], _Steps]] = {}

    @classmethod
    def from_rows(cls, rows: Iterable[MultiplierRow], *, revision: int) -> Self:
        """The table of one whole revision."""
        return cls(revision, rows)

    def credit(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The priced frame, rows in their order, with credits_micro (Int64)."""
        organization = pl.col("organization")
        shared = pl.when(organization.is_in(self._organizations)).then(organization).otherwise(pl.lit(""))
        own = [shared.alias("organization")] if self._organizations else []
        names = frame.select("priced_as", "provider", "model", *own)
        distinct = names.unique()
        steps = [self._lookup(row[3] if own else "", *row[:3]) for row in distinct.iter_rows()]
        depth = max((len(found) for found in steps), default=1)
        distinct = distinct.with_columns(_columns(steps, depth))
        located = names.join(distinct, on=names.columns, how="left", maintain_order="left")
        located = located.select(pl.col(r"^(from_ms|milli)_\d+$"), frame["time"].dt.epoch("ms").alias("time_ms"))
        milli = pl.col("milli_0")
        for level in range(1, depth):
            holds = pl.col(f"from_ms_{level}") <= pl.col("time_ms")
            milli = pl.when(holds).then(pl.col(f"milli_{level}")).otherwise(milli)
        credits_micro = located.select((milli * MICRO_PER_MILLI * pl.lit(_used(frame))).alias("credits_micro"))
        return frame.with_columns(credits_micro["credits_micro"])

    def _lookup(self, organization: str, priced_as: str, provider: str, model: str) -> _Steps:
        key = (organization, priced_as, provider, model)
        steps = self._remembered.get(key)
        if steps is None:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            steps = self._remembered[key] = self._found(*key)
        return steps

    def _found(self, organization: str, priced_as: str, provider: str, model: str) -> _Steps:
        """The multipliers of the most specific row by date; before its first date, of the next one."""
        steps: _Steps = ()
        for key in _keys(organization, priced_as.lower(), provider.strip().lower(), model.strip().lower()):
            earlier = self._steps.get(key, ())
            steps = (*(step for step in earlier if not steps or step[0] < steps[0][0]), *steps)
        return steps if steps and steps[0][0] <= 0 else ((0, DEFAULT_MILLI), *steps)


def _keys(organization: str, priced_as: str, provider: str, model: str) -> Iterator[_Key]:
    """Where a multiplier may stand, the most specific place first."""
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


def _used(frame: pl.DataFrame) -> pl.Series:
    """1 for rows that used something, 0 for others."""
    counted = frame.select((pl.sum_horizontal(TOKEN_BUCKETS) > 0).alias("used"))["used"]
    rows = ((frame["quantities"] != "") & ~counted).arg_true()
    if not rows.is_empty():
        counted.scatter(rows, [bool(read_quantities(text)) for text in frame["quantities"].gather(rows)])
    return counted.cast(pl.Int64)
