"""Where a run takes place: a real broker, a real warehouse, and workers that can be killed and frozen."""

import contextlib
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from deploy.local.installation import Installation
from tests.chaos.clock import Clock, keep_times
from tests.chaos.workers import Workers
from tests.running import client_of
from warehouse.control.orders import Order, give
from warehouse.errors import NoSuchRecord, OrderRefused, WarehouseUnavailable
from warehouse.repairs import RepairSlice, request_repair

WITHOUT = ("superset", "worker", "watchdog", "api", "collector", "auditor")
STOP_SECONDS = 60.0
START_SECONDS = 240.0
LOOK_SECONDS = 0.05
PARTITIONS = 6
WORKERS = 3
SESSION_SECONDS = 8.0
WINDOW_EVENTS = 400
WORKER_SETTINGS = {
    "TALLY_WINDOW_EVENTS": str(WINDOW_EVENTS),
    "TALLY_SESSION_SECONDS": str(SESSION_SECONDS),
    "TALLY_CASCADE_SECONDS": "3",
    "TALLY_ROWS_IN_MEMORY": "2500",
    "TALLY_ERASURE_SWEEP_SECONDS": "40",
}
"""Small, so that a short run meets everything: ids that leave the window, rows that are evicted, sessions that end."""
OPEN_JOBS = "SELECT toString(control_id) FROM jobs FINAL WHERE state IN ('asked', 'planned') ORDER BY 1"
BEGUN_JOBS = """
    SELECT DISTINCT repair_id FROM repairs FINAL WHERE home != -1 AND state IN ('running', 'done')
    AND repair_id IN (SELECT toString(control_id) FROM jobs FINAL WHERE state = 'planned') ORDER BY 1
"""
NEWEST_DAYS = """
    SELECT DISTINCT src_partition, toString(organization), day FROM rollup FINAL WHERE grain = 'quarter'
    ORDER BY day DESC LIMIT 40
"""


@dataclass(slots=True)
class Stage:
    """An installation without workers of its own, and the workers of the run beside it."""

    installation: Installation
    settings: Mapping[str, str] = field(default_factory=lambda: WORKER_SETTINGS)
    workers: Workers = field(init=False)

    def __post_init__(self) -> None:
        self.workers = Workers(self.installation, WORKERS, {**self.settings, **self.clock.environment})

    @classmethod
    def at(cls, folder: Path, port_base: int) -> "Stage":
        """A stage in this folder."""
        return cls(Installation(folder, port_base=port_base, partitions=PARTITIONS, workers=WORKERS, kafka_heap_mb=320))

    def up(self) -> None:
        """Broker and warehouse serve. Workers are started by themselves."""
        self.installation.up(without=WITHOUT)
        keep_times(self.installation.plan.kafka_bootstrap, self.installation.settings.events_topic)

    @property
    def clock(self) -> Clock:
        """The clock of its log."""
        return Clock(self.installation.home.folder / "clock")

    def down(self) -> None:
        """Ends everything."""
        self.workers.stop()
        self.installation.down()

    def client(self) -> Client:
        """A client of the warehouse; the caller closes it."""
        return client_of(self.installation)

    def kill(self, service: str) -> bool:
        """SIGKILL of the broker or the warehouse; the supervisor starts it again."""
        pid = self.installation.supervisor.states()[service].pid
        try:
            psutil.Process(pid).send_signal(signal.SIGKILL)
        except (psutil.NoSuchProcess, ValueError):
            return False
        return True

    def ask_for_repairs(self) -> bool:
        """Asks for the newest days of every organisation to be computed again; false while nobody answers."""
        try:
            with contextlib.closing(self.client()) as client:
                days = client.query(NEWEST_DAYS).result_rows
                request_repair(client, [RepairSlice(*row) for row in days], "chaos", "a day like any other")
        except (Error, OSError, WarehouseUnavailable):
            return False
        return True

    def kill_worker_in_job(self, patience_seconds: float) -> bool:
        """SIGKILL of a worker while it does a slice; false when none began in time."""
        deadline = time.monotonic() + patience_seconds
        with contextlib.suppress(Error, OSError, WarehouseUnavailable), contextlib.closing(self.client()) as client:
            while time.monotonic() < deadline:
                running = client.query("SELECT src_partition FROM repairs FINAL WHERE state = 'running'").result_rows
                if running and self.workers.kill_owner(running[0][0]):
                    return True
                time.sleep(LOOK_SECONDS)
        return False

    def pause_jobs(self) -> bool:
        """Pauses every open job; false when there is none."""
        return self._order("pause", "SELECT control_id FROM jobs FINAL WHERE state IN ('asked', 'planned')")

    def cancel_job(self, chance: float, patience_seconds: float) -> bool:
        """Cancels an open job by the command's own way; false when none came in time, or it was over meanwhile.

        chance: from 0 to 1: which of those that are open; from the half on of those alone that have begun a slice.
        """
        deadline = time.monotonic() + patience_seconds
        nothing_done = (Error, OSError, WarehouseUnavailable, OrderRefused, NoSuchRecord)
        with contextlib.suppress(*nothing_done), contextlib.closing(self.client()) as client:
            while time.monotonic() < deadline:
                found = client.query(BEGUN_JOBS if chance >= 0.5 else OPEN_JOBS).result_rows
                if found:
                    return give(client, found[int(chance * 2 % 1 * len(found))][0], Order.CANCEL, "chaos")
                time.sleep(LOOK_SECONDS)
        return False

    def resume_jobs(self) -> bool:
        """Lets paused jobs go on; false when there is none."""
        paused = "SELECT control_id FROM job_orders GROUP BY control_id HAVING argMax(wanted, given) = 'pause'"
        return self._order("run", paused)

    def _order(self, wanted: str, jobs: str) -> bool:
        try:
            with contextlib.closing(self.client()) as client:
                rows = [(row[0], wanted, "chaos") for row in client.query(jobs).result_rows]
                if rows:
                    client.insert("job_orders", rows, column_names=["control_id", "wanted", "author"])
        except (Error, OSError, WarehouseUnavailable):
            return False
        return bool(rows)

    def serve(self) -> None:
        """Returns when broker and warehouse answer."""
        for service in ("kafka", "warehouse"):
            self.installation.wait_until_ready(service, deadline_seconds=START_SECONDS)

    @property
    def control_key(self) -> bytes:
        """What this installation signs control records with."""
        return (self.installation.home.secrets / "control_key").read_bytes().strip()

    def back_up(self) -> None:
        """Stops the warehouse, copies its data and starts it again, under running workers."""
        with self._warehouse_stopped() as data:
            shutil.rmtree(self._copy, ignore_errors=True)
            # Links stay links: a copy that followed them answers no query.
            shutil.copytree(data, self._copy, symlinks=True)

    def set_back(self) -> None:
        """Stops the warehouse, puts the copy in the place of its data and starts it, under running workers."""
        with self._warehouse_stopped() as data:
            shutil.rmtree(data)
            self._copy.rename(data)

    @property
    def has_copy(self) -> bool:
        """Whether there is a copy to be put back."""
        return self._copy.exists()

    @property
    def _copy(self) -> Path:
        return self.installation.home.folder / "warehouse-copy"

    @contextlib.contextmanager
    def _warehouse_stopped(self) -> Iterator[Path]:
        """The folder of its data, while nobody has it open."""
        supervisor = self.installation.supervisor
        supervisor.stop_together(["warehouse"], deadline_seconds=STOP_SECONDS)
        yield self.installation.home.warehouse
        supervisor.start_service("warehouse")
        self.installation.wait_until_ready("warehouse", deadline_seconds=START_SECONDS)
