"""What a worker knows about one log partition; a pure function of the partition's log prefix."""

from dataclasses import dataclass, field

from stream_jobs.corrections.awaited import AwaitedEvents
from stream_jobs.deduplication.keys import KeyMaker
from stream_jobs.deduplication.window import Window
from stream_jobs.worker.books import FIRST
from stream_jobs.worker.poison.quarantine import Quarantine


@dataclass(slots=True)
class Counts:
    """Running totals of a partition since the start of its log (rule E30)."""

    seen: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    misrouted: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A row of partition_progress: everything up to applied_offset is stored completely."""

    applied_offset: int = -1
    applied_ms: int = 0
    topic_id: str = ""
    seen: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    misrouted: int = 0


@dataclass(slots=True)
class Partition:
    """State of one assigned partition.

    applied: what progress says is stored, or where a log is begun that has none. proven: the applied offset that is
    stored as progress, -1 when none is. next_offset: the offset expected from Kafka. horizon: the highest offset
    of any row seen or loaded (rule E2).
    clock_ms: highest append time read; applied_clock_ms: the same up to `applied`. highest_bucket: per organisation,
    the newest bucket that may have stored rows which are not in memory. prices, multipliers: revisions in force
    (rule E21). controls: ids of the control records applied by this worker; calendars: the highest revision that it
    put in force, by organisation.
    """

    number: int
    applied: int
    next_offset: int
    clock_ms: int
    applied_clock_ms: int
    counts: Counts
    window: Window
    horizon: int
    proven: int = -1
    keys: KeyMaker = field(default_factory=KeyMaker)
    highest_bucket: dict[str, int] = field(default_factory=dict)
    prices: int = FIRST
    multipliers: int = FIRST
    awaited: AwaitedEvents = field(default_factory=AwaitedEvents)
    controls: set[str] = field(default_factory=set)
    calendars: dict[str, int] = field(default_factory=dict)
    quarantine: Quarantine = field(default_factory=Quarantine)

    @classmethod
    def resumed(cls, number: int, progress: Progress, window: Window) -> "Partition":
        """The partition as progress left it."""
        counts = Counts(progress.seen, progress.accepted, progress.duplicates, progress.rejected, progress.misrouted)
        applied = progress.applied_offset
        return cls(
            number,
            applied,
            applied + 1,
            progress.applied_ms,
            progress.applied_ms,
            counts,
            window,
            horizon=applied,
            proven=applied if progress.topic_id else -1,
        )


def refusal(progress: Progress, topic_id: str, log_start: int, log_end: int) -> str | None:
    """Why this partition must not be resumed, with the cure; None when log and progress belong together (E8).

    log_end is the offset that the next record will get.
    """
    applied = progress.applied_offset
    if progress.topic_id and progress.topic_id != topic_id:
        return (
            f"the topic was recreated (id {progress.topic_id} before, {topic_id} now): "
            "restore the topic, or raise TALLY_TOPIC_GENERATION to count the new log apart"
        )
    if log_end < applied + 1:
        return (
            f"the log ends at {log_end} but {applied} was applied: the broker lost data; "
            "restore the log, or raise TALLY_TOPIC_GENERATION to count the new log apart"
        )
    if log_start > applied + 1:
        return (
            f"the log starts at {log_start} but only {applied} was applied: offsets {applied + 1} to {log_start - 1} "
            "are gone; restore a newer backup of the warehouse or an older log, or raise TALLY_TOPIC_GENERATION to "
            "count without them"
        )
    return None
