"""How far a control record is: facts about each log partition in, one word for each and for the whole out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from warehouse.control.earlier import Earlier


class State(StrEnum):
    """How far a record is, in one partition or as a whole."""

    UNPUBLISHED = "unpublished"
    PUBLISHED = "published"
    APPLIED = "applied"
    WORKING = "working"
    PAUSED = "paused"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL: Final = frozenset({State.DONE, State.REFUSED, State.FAILED, State.CANCELLED})
"""Nothing more will happen by itself."""
NOT_DONE: Final = (State.FAILED, State.REFUSED, State.CANCELLED)
"""What people must know of first, when partitions ended differently."""
WITHOUT_JOB: Final = frozenset({"config"})
"""Kinds that are in force where they are applied: no work follows."""


@dataclass(frozen=True, slots=True)
class Slices:
    """A job's slices: local days of organisations. waiting: asked for or being done, `running` of them being done;
    events: that were rewritten."""

    total: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    waiting: int = 0
    events: int = 0
    messages: tuple[str, ...] = ()
    running: int = 0

    @property
    def have_begun(self) -> bool:
        """Whether any of them is being done or over."""
        return bool(self.running or self.done or self.failed)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a record in one log partition.

    offset: where Kafka acknowledged it, or where its owner found it; None: not published. outcome: applied, refused,
    or "" while its owner has not come to it. job: asked, planned, done, failed, cancelled, or "" without one.
    wanted: run, pause or cancel, the order in force. certificate: of an erasure, once its rows are gone: what was
    removed where, what stays, and what only time clears; with `swept` once late writes are swept too. earlier: the job
    that this one waits for. awaited: named events that are changed when they come, also once the job is cancelled.
    stayed: named events that came after the record and are not changed, by the reason why they may not be.
    """

    src_partition: int
    kind: str
    offset: int | None = None
    outcome: str = ""
    reason: str = ""
    repeats: int = 0
    job: str = ""
    message: str = ""
    planned: int = 0
    slices: Slices = Slices()
    wanted: str = "run"
    certificate: Mapping[str, Any] | None = None
    earlier: Earlier | None = None
    awaited: int = 0
    stayed: Mapping[str, int] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """The word for this partition."""
        if self.outcome == "refused":
            return State.REFUSED
        if not self.outcome:
            return State.UNPUBLISHED if self.offset is None else State.PUBLISHED
        if self.kind in WITHOUT_JOB or not self.job:
            return State.APPLIED
        if self.job in ("done", "failed", "cancelled"):
            return State(self.job)
        return State.PAUSED if self.wanted == "pause" else State.WORKING

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen here by itself."""
        return self.state in FINAL or (self.state is State.APPLIED and self.kind in WITHOUT_JOB)

    @property
    def events(self) -> int:
        """Events that were rewritten; of an erasure those that it removed, once its certificate tells."""
        if self.kind == "erase":
            return int(self.certificate["removed"].get("events", 0)) if self.certificate else 0
        return self.slices.events

    @property
    def still_awaited(self) -> int:
        """Named events that are awaited; 0 before the job is planned, when those that came before are counted too."""
        return 0 if self.job in ("", "asked") else self.awaited

    @property
    def messages(self) -> tuple[str, ...]:
        """What went wrong here, or was left as it is, and which job it waits for."""
        waits = str(self.earlier) if self.earlier else ""
        stayed = (f"{_came(events)}: {reason}, or of the prices" for reason, events in self.stayed.items())
        return tuple(dict.fromkeys(filter(None, (self.reason, self.message, *self.slices.messages, *stayed, waits))))


def _came(events: int) -> str:
    one = "1 named event that came later stays as it was"
    return one if events == 1 else f"{events:,} named events that came later stay as they were"


def overall(standings: Collection[Standing]) -> State:
    """The word for a record: the farthest behind of its partitions, and once all have ended, the worst end."""
    states = {each.state for each in standings}
    if standings and all(each.is_finished for each in standings):
        return next((state for state in (*NOT_DONE, State.APPLIED) if state in states), State.DONE)
    for behind in (State.UNPUBLISHED, State.PAUSED):
        if behind in states:
            return behind
    if states <= {State.PUBLISHED, State.APPLIED}:
        return State.PUBLISHED if State.PUBLISHED in states or not states else State.APPLIED
    return State.WORKING


def progress(standings: Collection[Standing]) -> Mapping[str, int]:
    """Slices of all partitions together: total, done, failed, cancelled, waiting; and events that were rewritten, of
    an erasure removed."""
    names = ("done", "failed", "cancelled", "waiting")
    totals = {name: sum(getattr(each.slices, name) for each in standings) for name in names}
    totals["events"] = sum(each.events for each in standings)
    return {"total": sum(max(each.planned, each.slices.total) for each in standings), **totals}
