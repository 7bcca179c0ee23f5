"""What changed in a closed period: its usage then and now and what is known of causes in, explained lines out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from warehouse.queries.usage import EXACT


class Cause(StrEnum):
    """Why a closed day is no longer what it was. erase and other: what no other cause explains."""

    LATE = "late"
    AMEND = "amend"
    VOID = "void"
    REPLACE = "replace"
    REPRICE = "reprice"
    ERASE = "erase"
    OTHER = "other"


class Place(NamedTuple):
    """Where usage counts: a local day, and provider and model as sent."""

    day: date
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Usage, or a change of it, which may be negative. Money in USD and credits, exact."""

    requests: int = 0
    total_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    billed_usd: Decimal = Decimal(0)
    credits: Decimal = Decimal(0)

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.requests + other.requests,
            self.total_tokens + other.total_tokens,
            EXACT.add(self.cost_usd, other.cost_usd),
            EXACT.add(self.billed_usd, other.billed_usd),
            EXACT.add(self.credits, other.credits),
        )

    def __neg__(self) -> "Sums":
        return Sums(
            -self.requests,
            -self.total_tokens,
            EXACT.minus(self.cost_usd),
            EXACT.minus(self.billed_usd),
            EXACT.minus(self.credits),
        )

    def __sub__(self, other: "Sums") -> "Sums":
        return self + -other

    def __bool__(self) -> bool:
        return self != Sums()


NOTHING = Sums()


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """One place of a closed period. causes: changes that are not nothing; they sum to `now` minus `closed`."""

    place: Place
    closed: Sums
    now: Sums
    causes: Mapping[Cause, Sums] = field(default_factory=dict)

    @property
    def change(self) -> Sums:
        """What was added since."""
        return self.now - self.closed


@dataclass(frozen=True, slots=True)
class Changes:
    """A closed period, place by place; unchanged places are there too."""

    lines: tuple[ChangedLine, ...]

    @property
    def closed(self) -> Sums:
        """The whole as it was closed."""
        return _sum(line.closed for line in self.lines)

    @property
    def now(self) -> Sums:
        """The whole as it is known now."""
        return _sum(line.now for line in self.lines)

    @property
    def causes(self) -> Mapping[Cause, Sums]:
        """The whole change by cause."""
        found: dict[Cause, Sums] = {}
        for line in self.lines:
            for cause, sums in line.causes.items():
                found[cause] = found.get(cause, NOTHING) + sums
        return {cause: found[cause] for cause in Cause if cause in found}

    @property
    def changed(self) -> tuple[ChangedLine, ...]:
        """The places where something changed, also when the changes cancel each other."""
        return tuple(line for line in self.lines if line.causes)


def explained(
    closed: Mapping[Place, Sums],
    now: Mapping[Place, Sums],
    late: Mapping[Place, Sums],
    corrected: Iterable[tuple[Cause, Place, Sums]],
    *,
    erased: bool,
) -> Changes:
    """The period's lines. late: usage that came later. corrected: changes by control records to what was there.

    What neither explains was erased, when something was (`erased`); else its cause is not known.
    """
    causes: dict[Place, dict[Cause, Sums]] = defaultdict(dict)
    for cause, place, sums in (*((Cause.LATE, place, sums) for place, sums in late.items()), *corrected):
        causes[place][cause] = causes[place].get(cause, NOTHING) + sums
    lines = []
    for place in sorted(closed.keys() | now.keys() | causes.keys()):
        was, is_now = closed.get(place, NOTHING), now.get(place, NOTHING)
        mine = {cause: sums for cause, sums in causes[place].items() if sums}
        if rest := is_now - was - _sum(mine.values()):
            mine[Cause.ERASE if erased else Cause.OTHER] = rest
        lines.append(ChangedLine(place, was, is_now, mine))
    return Changes(tuple(lines))


def _sum(parts: Iterable[Sums]) -> Sums:
    total = NOTHING
    for part in parts:
        total = total + part
    return total
