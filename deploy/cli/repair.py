"""Has days that differ computed again by the workers that own them, and waits until that is visible."""

import getpass
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from clickhouse_connect.driver.client import Client
from rich.progress import Progress as Bar

from deploy.errors import DeployError
from warehouse.queries.progress import Progress, as_of
from warehouse.queries.query import ask
from warehouse.queries.reconcile.difference import Place
from warehouse.queries.reconcile.pending import PendingPlaces
from warehouse.repairs import RepairSlice, RepairStatus, repair_status, request_repair

POLL_SECONDS = 0.5
QUIET_SECONDS = 5.0
"""After this long without progress the bar says who is waited for."""
GIVE_UP_SECONDS = 300.0
DERIVE_SECONDS = 120.0
CLOSED_DAYS = 2
"""A local day that is so many days before the log's clock has ended in every time zone."""


@dataclass(slots=True)
class Repair:
    """One request to the workers."""

    client: Client
    bar: Bar
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def run(self, places: set[Place]) -> RepairStatus:
        """Asks for these days and returns when they are done, and derived again as far as they have ended.

        Raises DeployError when no worker does anything for GIVE_UP_SECONDS; the request stands.
        """
        slices = [RepairSlice(each.partition, each.organization, each.day) for each in sorted(places, key=_order)]
        repair_id = request_repair(self.client, slices, getpass.getuser(), "differences found by reconcile")
        task = self.bar.add_task("computing days again", total=len(slices))
        moved, before = self.now(), -1
        while True:
            status = repair_status(self.client, repair_id)
            finished = status.done + status.failed
            self.bar.update(task, completed=finished)
            if not status.asked:
                break
            if finished != before:
                moved, before = self.now(), finished
            still = self.now() - moved
            owners = ", ".join(str(number) for number in status.waiting_for)
            if still > GIVE_UP_SECONDS:
                raise DeployError(
                    f"no worker has begun repair {repair_id} of log partitions {owners} for {still:.0f} s; it is done "
                    "as soon as workers own them: see ./tally status"
                )
            if still > QUIET_SECONDS:
                self.bar.update(task, description=f"waiting for the workers that own log partitions {owners}")
            self.pause(POLL_SECONDS)
        self._derived(places)
        return status

    def _derived(self, places: set[Place]) -> None:
        """Waits until the hours, days and weeks of what has ended were derived again; at most DERIVE_SECONDS."""
        clock = as_of(ask(self.client, Progress()))
        if clock is None:
            return
        ended = {each for each in places if each.day < clock.date() - timedelta(days=CLOSED_DAYS)}
        task = self.bar.add_task("deriving hours, days and weeks", total=max(1, len(ended)))
        until = self.now() + DERIVE_SECONDS
        while ended and self.now() < until:
            days = [each.day for each in ended]
            waiting = ask(self.client, PendingPlaces(min(days), max(days), _last_week(clock.date()))) & ended
            self.bar.update(task, completed=len(ended) - len(waiting))
            if not waiting:
                break
            self.pause(POLL_SECONDS)


def _last_week(clock: date) -> date:
    """Weeks that begin before it have ended in every time zone."""
    return clock - timedelta(days=7 + CLOSED_DAYS)


def _order(place: Place) -> tuple[int, str, date]:
    return place.partition, place.organization, place.day
