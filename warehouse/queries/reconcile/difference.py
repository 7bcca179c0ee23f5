"""What a comparison found: how many rows were compared, and each row that differs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
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

    @property
    def gap(self) -> tuple[tuple[object, ...], tuple[tuple[str, int], ...]]:
        """The row and by how much each of its measures is off: the same while traffic changes both sides."""
        return self.key, tuple((name, self.stored[name] - value) for name, value in self.expected.items())


@dataclass(frozen=True, slots=True)
class Place:
    """One local day of one organisation in one log partition."""

    partition: int
    organization: str
    day: date


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer of one check. `differing` counts all rows; `differences` holds the first of them.

    places: the days in which rows differ.
    """

    rows: int
    differing: int
    differences: tuple[Difference, ...] = ()
    places: frozenset[Place] = frozenset()


def places(found: Iterable[tuple[int, str, date]], days: int = 1) -> frozenset[Place]:
    """(partition, organisation, first local date) as days; a period has `days` of them."""
    return frozenset(
        Place(partition, organization, first + timedelta(days=number))
        for partition, organization, first in found
        for number in range(days)
    )


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
