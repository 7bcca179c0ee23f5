"""What a comparison found: how many rows were compared, and each row that differs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Difference:
    """One row whose values are not what they must be. `period` is the start of a bucket, a date or a log position."""

    check: str
    organization: str
    partition: int
    period: str
    dimensions: Mapping[str, str]
    expected: Mapping[str, int]
    """Each measure that differs: what raw events or finer rows sum to."""
    stored: Mapping[str, int]
    """The same measures as they are stored."""

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this row from others."""
        return (self.check, self.organization, self.partition, self.period, tuple(self.dimensions.items()))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer of one check. `differing` counts all rows; `differences` holds the first of them."""

    rows: int
    differing: int
    differences: tuple[Difference, ...]


def difference(
    check: str,
    key: tuple[str, int, str],
    dimensions: Iterable[tuple[str, str]],
    measures: Sequence[str],
    values: tuple[Sequence[Any], Sequence[Any]],
) -> Difference:
    """A difference that names only the measures that differ."""
    organization, partition, period = key
    pairs = zip(measures, *values, strict=True)
    unequal = [(name, int(expected), int(stored)) for name, expected, stored in pairs if expected != stored]
    return Difference(
        check,
        organization,
        partition,
        period,
        {name: value for name, value in dimensions if value},
        {name: expected for name, expected, _ in unequal},
        {name: stored for name, _, stored in unequal},
    )
