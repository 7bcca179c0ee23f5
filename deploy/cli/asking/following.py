"""Follows control records until nothing more will happen: ids in, a progress bar and whether all is well out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deploy.errors import DeployError
from warehouse.control.following import followed
from warehouse.control.records import Followed
from warehouse.control.standing import NOT_DONE, State

POLL_SECONDS = 0.5
GIVE_UP_SECONDS = 300.0
"""After so long without any change nobody works on it; it stands, and is done as soon as somebody does."""
PATIENT = frozenset({State.PAUSED})


@dataclass(slots=True)
class Following:
    """One wait."""

    client: Client
    console: Console
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def until_finished(self, control_ids: Sequence[str]) -> bool:
        """Whether all of them succeeded. Raises DeployError when nothing moves for GIVE_UP_SECONDS."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            ended = [self._wait(bar, bar.add_task("published", total=None), name) for name in control_ids]
        for record in ended:
            self.console.print(told(record), markup=False, soft_wrap=True)
        return not any(record.state in NOT_DONE for record in ended)

    def _wait(self, bar: Progress, task: TaskID, control_id: str) -> Followed:
        moved, before = self.now(), None
        while True:
            record = followed(self.client, control_id)
            slices = record.slices
            ended = slices["done"] + slices["failed"] + slices["cancelled"]
            bar.update(task, description=f"{record.asked.kind} {record.state}", total=slices["total"] or None)
            bar.update(task, completed=ended)
            if all(each.is_finished for each in record.standings):
                return record
            if record.standings != before or record.state in PATIENT:
                moved, before = self.now(), record.standings
            if self.now() - moved > GIVE_UP_SECONDS:
                raise DeployError(
                    f"{control_id} is {record.state} and nothing has moved for {GIVE_UP_SECONDS:.0f} s; it goes on as "
                    f"soon as workers own log partitions {waiting(record)}: see ./tally status and ./tally control show"
                )
            self.pause(POLL_SECONDS)


def waiting(record: Followed) -> str:
    """Log partitions that are not finished."""
    return ", ".join(str(each.src_partition) for each in record.standings if not each.is_finished)


def told(record: Followed) -> str:
    """How it ended, in one line, and why on the next ones."""
    slices = record.slices
    parts = f", {slices['done']:,} of {slices['total']:,} slices" if slices["total"] else ""
    events = f", {slices['events']:,} events" if slices["events"] else ""
    lines = [f"{record.asked.kind} {record.asked.control_id}: {record.state}{parts}{events}"]
    return "\n".join([*lines, *(f"  {message}" for message in record.messages)])
