"""Columns that are laid out in levels (first sheets, second sheets …): two tables' levels in, those of both out."""

from collections.abc import Sequence
from typing import Final, Protocol, Self, TypeVar

import polars as pl

UNREACHED: Final = 2**62
"""Where a level begins that somebody does not have: later and higher than anything."""


PIECE: Final = 4096
"""The second piece of a column is longer than this only for a moment."""


class Level(Protocol):
    """What each entry, sheet or card has at one level; those that have fewer levels are padded."""

    @classmethod
    def none(cls, count: int, /) -> Self:
        """Of so many that have no such level."""

    def joined(self, further: Self, /) -> Self:
        """Of these, then of the further ones."""


AnyLevel = TypeVar("AnyLevel", bound=Level)


def joined_levels(
    kind: type[AnyLevel], one: Sequence[AnyLevel], further: Sequence[AnyLevel], sizes: tuple[int, int]
) -> tuple[AnyLevel, ...]:
    """Level by level; sizes: of a level of each of the two."""
    depth = max(len(one), len(further))
    padded = [
        [*levels, *[kind.none(size)] * (depth - len(levels))] if len(levels) < depth else levels
        for levels, size in zip((one, further), sizes, strict=True)
    ]
    return tuple(a.joined(b) for a, b in zip(*padded, strict=True))


def joined(one: pl.Series, further: pl.Series) -> pl.Series:
    """The one column, then the other; numbers may stay in two pieces, so that a small addition to a long column copies
    only what was added of late. Text in pieces would be slow to gather."""
    long, *added = one.get_chunks()
    tail = pl.concat([*added, further], rechunk=True)
    return pl.concat([long, tail], rechunk=one.dtype == pl.String or len(tail) > PIECE)


def repeated(value: int, count: int, dtype: type[pl.DataType]) -> pl.Series:
    """The value so many times."""
    return pl.Series([value], dtype=dtype).new_from_index(0, count)
