"""Whether a worker that does nothing is all right (rule E28): what it has to do and how the outside answers in, a
verdict out. Pure.

Work done moves the beat where it is done. Everything else that may keep a worker still must be seen from outside: a
broker or a warehouse that does not answer, a group that is being rebalanced, a log that has been applied to its end.
Whatever is none of these is a worker that hangs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

KAFKA, WAREHOUSE, GROUP = "kafka", "the warehouse", "the other workers (rebalance)"
STATEMENT_SECONDS = 15.0
"""How long a statement may run while the warehouse answers others; then it counts as hanging."""
SLOW_SECONDS = 5.0
"""From when a statement in flight makes it worth asking whether the warehouse answers at all."""
REBALANCE_SECONDS = 300.0
"""A rebalance may wait for the slowest member's last flush, but not for ever."""


class Standing(StrEnum):
    """What the broker says of this worker's place in the consumer group."""

    UNKNOWN = "unknown"
    REBALANCING = "rebalancing"
    MEMBER = "member"
    STANDBY = "standby"
    """A member of a settled group in which the others have all partitions."""
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Answers:
    """How the outside answered when it was asked last."""

    kafka: bool = True
    warehouse: bool = True
    standing: Standing = Standing.UNKNOWN
    rebalancing_seconds: float = 0.0
    why: str = ""
    """What the broker or its client said when it did not answer."""


@dataclass(frozen=True, slots=True)
class Work:
    """What the worker has before it.

    lag: envelopes not applied by assigned partition. rests: nothing that was taken waits to be written.
    statement_seconds: how long the oldest statement in flight has run; 0.0 without one.
    """

    lag: Mapping[int, int] = field(default_factory=dict)
    refused: int = 0
    rests: bool = True
    statement_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """alive: standing still is all right now. waits: for what. serves: partitions are assigned, or none are left."""

    alive: bool
    waits: tuple[str, ...]
    serves: bool
    standby: bool


def judged(work: Work, answers: Answers) -> Verdict:
    """The verdict on a worker at this moment."""
    assigned = bool(work.lag) or work.refused > 0
    standby = not assigned and answers.standing is Standing.STANDBY
    # Whoever holds a rebalance up is not excused by it: what was taken must be stored before partitions can go.
    rests = work.rests and work.statement_seconds < STATEMENT_SECONDS
    rebalance = answers.standing is Standing.REBALANCING and rests
    waits = []
    if not answers.kafka:
        waits.append(KAFKA)
    if work.statement_seconds > SLOW_SECONDS and not answers.warehouse:
        waits.append(WAREHOUSE)
    if rebalance and answers.rebalancing_seconds < REBALANCE_SECONDS:
        waits.append(GROUP)
    at_the_end = assigned and work.rests and not any(work.lag.values())
    asks = 0.0 < work.statement_seconds < STATEMENT_SECONDS
    return Verdict(bool(waits) or at_the_end or standby or asks, tuple(waits), assigned or standby, standby)
