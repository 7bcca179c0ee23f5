"""Follows control records until nothing more will happen: ids in, a progress bar and whether all is well out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deploy.cli.asking.amount import amount
from deploy.errors import DeployError
from warehouse.control.earlier import Earlier
from warehouse.control.following import followed
from warehouse.control.records import Followed
from warehouse.control.standing import NOT_DONE, State

POLL_SECONDS = 0.5
LONGEST_POLL_SECONDS = 3.0
POLL_SHARE = 0.1
"""Of the time waited so far: looking costs the warehouse a tenth of a second, which it needs for the job."""
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
    said: set[str] = field(default_factory=set)

    def until_finished(self, control_ids: Sequence[str]) -> bool:
        """Whether all of them succeeded. Raises DeployError when nothing moves for GIVE_UP_SECONDS."""
        what = TextColumn("{task.description}", markup=False)
        columns = (what, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            ended = [self._wait(bar, bar.add_task("published", total=None), name) for name in control_ids]
        for record in ended:
            self.console.print(told(record), soft_wrap=True)
        return not any(record.state in NOT_DONE for record in ended)

    def _wait(self, bar: Progress, task: TaskID, control_id: str) -> Followed:
        began = self.now()
        moved, before = began, None
        while True:
            record = followed(self.client, control_id)
            slices = record.slices
            ended = slices["done"] + slices["failed"] + slices["cancelled"]
            bar.update(task, description=f"{record.asked.kind} {record.state}", total=slices["total"] or None)
            bar.update(task, completed=ended)
            if all(each.is_finished for each in record.standings):
                return record
            waits = [each.earlier for each in record.standings if each.earlier]
            self._tell(record, [each for each in waits if each.needs_people])
            if record.standings != before or record.state in PATIENT or any(each.needs_people for each in waits):
                moved, before = self.now(), record.standings
            if self.now() - moved > GIVE_UP_SECONDS:
                why = f"it {waits[0]}. " if waits else ""
                raise DeployError(
                    f"{control_id} is {record.state} and nothing has moved for {GIVE_UP_SECONDS:.0f} s; {why}it goes "
                    f"on as soon as workers own log partitions {waiting(record)}: see ./tally status and "
                    "./tally control show"
                )
            self.pause(min(LONGEST_POLL_SECONDS, max(POLL_SECONDS, POLL_SHARE * (self.now() - began))))

    def _tell(self, record: Followed, waits: Sequence[Earlier]) -> None:
        """What somebody has to do before it goes on, once."""
        for line in sorted({f"{record.asked.kind} {record.asked.control_id} {each}" for each in waits} - self.said):
            self.said.add(line)
            self.console.print(line, soft_wrap=True)


def waiting(record: Followed) -> str:
    """Log partitions that are not finished."""
    return ", ".join(str(each.src_partition) for each in record.standings if not each.is_finished)


def has_met_nothing(record: Followed) -> bool:
    """Whether it is done and there was no usage that it is about."""
    return record.state is State.DONE and not record.slices["total"]


def told(record: Followed) -> str:
    """How it ended, in one line, and why on the next ones."""
    slices = record.slices
    parts = f", {slices['done']:,} of {amount(slices['total'], 'slice')}" if slices["total"] else ""
    events = f", {amount(slices['events'], 'event')}" if slices["events"] else ""
    nothing = ", 0 events: no day was met" if has_met_nothing(record) else ""
    awaited = f", {amount(record.awaited, 'named event')} still awaited" if record.awaited else ""
    lines = [f"{record.asked.kind} {record.asked.control_id}: {record.state}{parts}{events}{nothing}{awaited}"]
    return "\n".join([*lines, *(f"  {message}" for message in record.messages)])
