"""What changes of single organisations cost a worker that knows many: its CPU without and with one each second."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from deploy.local.installation import Installation
from producers.synthetic.load import frames
from tests.benchmarks.backlog import produce
from tests.benchmarks.drain import applied
from tests.benchmarks.figures import bar
from tests.benchmarks.jobs.asked import Asking, wait_for
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


def churn(organizations: int, seconds: int) -> bool:
    """Prints what the worker used; whether every change is in force."""
    with fresh_installation(STORES) as installation:
        alone, with_changes, changed = _watched_changes(installation, organizations, seconds)
    _tell(alone, with_changes, organizations, seconds)
    print(f"  {changed} of {seconds} changes are in force")
    return changed == seconds


def _watched_changes(installation: Installation, organizations: int, seconds: int) -> tuple[Window, Window, int]:
    """The time without changes, the time with them, how many came into force."""
    partitions = installation.settings.partitions
    produce(installation, _one_each(organizations, partitions), "arrow")
    up(installation, (*STORES, "worker"))
    client = client_of(installation)
    wait_for("every organisation", lambda: applied(client) >= organizations or None)
    time.sleep(QUIET_SECONDS)
    asking = Asking.of(installation, client)
    alone = _watched(Watch(installation, None), seconds)
    watch, began = Watch(installation, None), time.monotonic()
    for number in range(seconds):
        time.sleep(max(0.0, began + number * PERIOD_SECONDS - time.monotonic()))
        name = f"organization-{number % organizations:06d}"
        zone = ZONES[number // organizations % len(ZONES)]
        asking.change_calendar(name, number + 2, _next_quarter(), zone)
    with_changes = _watched(watch, began + seconds * PERIOD_SECONDS - time.monotonic())
    time.sleep(QUIET_SECONDS)
    known = "SELECT count() FROM revision_switches FINAL WHERE kind = 'calendar'"
    return alone, with_changes, int(client.query(known).result_rows[0][0])


def _tell(alone: Window, with_changes: Window, organizations: int, seconds: int) -> None:
    print(f"\n{organizations:,} organisations known, a change of one of them each second for {seconds} s")
    for name, window in (("without", alone), ("with", with_changes)):
        cores = ", ".join(f"{service} {used / window.seconds:.1%}" for service, used in window.cpu_seconds.items())
        print(f"  {name:8} of a core: {cores}; worker {window.worker_mb:,} MB")
    used = with_changes.cpu_beside(alone)["worker-0"] / with_changes.seconds
    print(bar("worker's share of a core for the changes", used, WANTED_SHARE, most=True, form=".1%"))


def _one_each(organizations: int, partitions: int) -> "list[tuple[int, pl.DataFrame]]":
    """One event of each organisation."""
    source = pl.concat(frame for _, frame in frames(SEED, organizations, 1))
    names = pl.Series("organization", [f"organization-{number:06d}" for number in range(organizations)])
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
