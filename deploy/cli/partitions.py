"""The partitions of the log for `./tally status --partitions`: progress, log ends and workers in, rows out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.table import Table

from deploy.cli.warehouse import connected
from deploy.local.installation import Installation
from deploy.local.kafka.log_ends import LogEnd, log_ends
from deploy.local.spans import span
from deploy.tracing.search import waits_by_partition
from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.partitions import (
    LateEvents,
    Lateness,
    PartitionState,
    PartitionStates,
    of_newest_generation,
)
from warehouse.queries.query import ask


@dataclass(frozen=True, slots=True)
class PartitionLine:
    """One Kafka partition; state None: nothing of it was ever applied."""

    number: int
    end: LogEnd
    state: PartitionState | None
    late: Lateness | None
    waits: str

    @property
    def lag_envelopes(self) -> int:
        """Envelopes in the log that are not applied."""
        return max(0, self.end.next_offset - (self.state.applied_offset if self.state else -1) - 1)

    @property
    def behind_seconds(self) -> float:
        """Append time of the newest record minus append time of what is applied; 0.0 at the end of the log."""
        since = self.state.applied_time if self.state else None
        return behind(self.end.newest, since) if self.lag_envelopes else 0.0


def behind(newest: datetime | None, applied: datetime | None) -> float:
    """Seconds between two instants of the log's clock; 0.0 when one is not known."""
    return max(0.0, (newest - applied).total_seconds()) if newest and applied else 0.0


def lines(installation: Installation) -> list[PartitionLine]:
    """Every partition now. Raises NotRunning."""
    topic, count = installation.settings.events_topic, installation.settings.partitions
    with connected("tally") as (client, _):
        states = of_newest_generation(ask(client, PartitionStates(topic)))
        late = {one.partition: one for one in ask(client, LateEvents())}
    return joined(
        log_ends(installation.plan.kafka_bootstrap, topic, count), states, late, waits_by_partition(installation)
    )


def joined(
    ends: Mapping[int, LogEnd],
    states: Mapping[int, PartitionState],
    late: Mapping[int, Lateness],
    waits: Mapping[int, str],
) -> list[PartitionLine]:
    """One line per partition of the log."""
    generation = max((state.generation for state in states.values()), default=0)
    first = generation * PARTITIONS_PER_GENERATION
    return [
        PartitionLine(number, end, states.get(number), late.get(first + number), waits.get(number, "no worker has it"))
        for number, end in sorted(ends.items())
    ]


def table(partitions: Sequence[PartitionLine]) -> Table:
    """One row per partition, and their sums."""
    shown = Table(
        *("partition", "worker", "applied", "log end", "lag", "behind", "seen", "accepted", "duplicates"),
        *("rejected", "misrouted", "late (24 h)", "by median / at most", "waits for"),
        box=None,
        padding=(0, 2, 0, 0),
    )
    for line in partitions:
        state, late = line.state, line.late
        counts = (state.seen, state.accepted, state.duplicates, state.rejected, state.misrouted) if state else (0,) * 5
        shown.add_row(
            str(line.number),
            state.worker if state else "",
            str(state.applied_offset) if state else "none",
            str(line.end.next_offset),
            f"{line.lag_envelopes:,}",
            span(line.behind_seconds),
            *(f"{count:,}" for count in counts),
            f"{late.events:,}" if late else "0",
            f"{span(late.median_seconds)} / {span(late.longest_seconds)}" if late else "",
            line.waits,
        )
    return shown
