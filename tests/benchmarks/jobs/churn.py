"""What changes of single organisations cost a worker that knows many: its CPU without and with one each second."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl
from clickhouse_connect.driver.client import Client

from deploy.local.installation import Installation
from producers.synthetic.load import frames
from tests.benchmarks.backlog import produce
from tests.benchmarks.drain import applied
from tests.benchmarks.figures import bar
from tests.benchmarks.jobs.asked import Asking, wait_for
from tests.benchmarks.jobs.own import Own
from tests.benchmarks.jobs.stored import ids
from tests.benchmarks.jobs.window import Watch, Window
from tests.benchmarks.scene import STORES, fresh_installation, up
from tests.running import client_of
from tokentally.partition import partition_of

SEED: Final = 13
PERIOD_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 10
WANTED_SHARE: Final = 0.05
"""Of a core."""
ZONES: Final = ("Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")


@dataclass(frozen=True, slots=True)
class Churned:
    """The changes of one subject: what the time with them showed, and how many of them are in force."""

    subject: str
    window: Window
    in_force: int


def churn(organizations: int, seconds: int) -> bool:
    """Prints what the worker used for changes of calendars, prices and multipliers; whether all are in force."""
    with fresh_installation(STORES) as installation:
        alone, churned = _watched_changes(installation, organizations, seconds)
    print(f"\n{organizations:,} organisations known, a change of one of them each second for {seconds} s")
    _tell("without", alone)
    for each in churned:
        _tell(each.subject, each.window)
        used = each.window.cpu_beside(alone)["worker-0"] / each.window.seconds
        name = f"worker's share of a core for changes of {each.subject}"
        print(bar(name, used, WANTED_SHARE, most=True, form=".1%"))
        print(f"  {each.in_force} of {seconds} changes of {each.subject} are in force")
    return all(each.in_force == seconds for each in churned)


def _watched_changes(installation: Installation, organizations: int, seconds: int) -> tuple[Window, list[Churned]]:
    """The time without changes, and with those of each subject."""
    partitions = installation.settings.partitions
    produce(installation, _one_each(organizations, partitions), "arrow")
    client = client_of(installation)
    asking = Asking.of(installation, client)
    owns = [Own(asking, "prices"), Own(asking, "multipliers")]
    names = _names(organizations)
    for own in owns:
        own.give_all(names)
    up(installation, (*STORES, "worker"))
    wait_for("every organisation", lambda: applied(client) >= organizations or None)
    for own in owns:  # the first one puts in force what all others have
        own.change(names[-1])
        wait_for(f"the {own.subject} of all", lambda subject=own.subject: _in_force(client, subject) or None)  # type: ignore[misc]
    time.sleep(QUIET_SECONDS)
    alone = _watched(Watch(installation, None), seconds)

    def change_calendar(number: int) -> None:
        zone = ZONES[number // organizations % len(ZONES)]
        asking.change_calendar(names[number % organizations], number + 2, _next_quarter(), zone)

    changes: dict[str, Callable[[int], None]] = {"calendar": change_calendar}
    for own in owns:
        changes[own.subject] = lambda number, own=own: own.change(names[number % organizations])  # type: ignore[misc]
    return alone, [_churned(installation, client, subject, change, seconds) for subject, change in changes.items()]


def _churned(
    installation: Installation, client: Client, subject: str, change: Callable[[int], None], seconds: int
) -> Churned:
    """A change each second."""
    before = _in_force(client, subject)
    watch, began = Watch(installation, None), time.monotonic()
    for number in range(seconds):
        time.sleep(max(0.0, began + number * PERIOD_SECONDS - time.monotonic()))
        change(number)
    window = _watched(watch, began + seconds * PERIOD_SECONDS - time.monotonic())
    time.sleep(QUIET_SECONDS)
    return Churned(subject, window, _in_force(client, subject) - before)


def _in_force(client: Client, subject: str) -> int:
    known = "SELECT count() FROM revision_switches FINAL WHERE kind = {kind:String}"
    return int(client.query(known, parameters={"kind": subject}).result_rows[0][0])


def _tell(name: str, window: Window) -> None:
    cores = ", ".join(f"{service} {used / window.seconds:.1%}" for service, used in window.cpu_seconds.items())
    print(f"  {name:11} of a core: {cores}; worker {window.worker_mb:,} MB")


def _names(organizations: int) -> list[str]:
    return [f"organization-{number:06d}" for number in range(organizations)]


def _one_each(organizations: int, partitions: int) -> "list[tuple[int, pl.DataFrame]]":
    """One event of each organisation."""
    source = pl.concat(frame for _, frame in frames(SEED, organizations, 1))
    names = pl.Series("organization", _names(organizations))
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    times = pl.Series("time", [now_ms]).new_from_index(0, organizations)
    whole = source.with_columns(ids(times.to_numpy(), 0), times.cast(pl.Datetime("ms", "UTC")), names)
    homes = pl.Series([partition_of(name, partitions) for name in names])
    made = []
    for number in range(partitions):
        made += [(number, frame) for frame in whole.filter(homes == number).iter_slices(1000)]
    return made


def _watched(watch: Watch, seconds: float) -> Window:
    time.sleep(max(0.0, seconds))
    return watch.ended()


def _next_quarter() -> datetime:
    """A full quarter of an hour, later than the future that events may have."""
    moment = datetime.now(UTC) + timedelta(hours=1)
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
