"""Sweeps every completed erasure until nothing is left: for the audit, `./tally reconcile`, and after a restore."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client

from producers.timeliness.rules import TimeRules
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.erasure import statements
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.erasure.sweep import Sweep, Swept
from stream_jobs.errors import NoErasureKey
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.single_sink import SingleSink
from warehouse.errors import WarehouseStrained
from warehouse.repairs import repair_status

TURNS: Final = 3
"""The first removes events, the second empty rows; a third for what came in between."""
WAIT_SECONDS: Final = 120.0
"""How long the owners of the partitions have to compute days again; what is not done then is left to the next sweep."""
PATIENCE_SECONDS: Final = 20.0
"""How long a deletion may do nothing but fail here, where people and the audit's heartbeat wait for it."""
LOOK_SECONDS: Final = 0.5


@dataclass(slots=True)
class Sweeping:
    """One sweep of everything. moved: told while the owners are waited for."""

    client: Client
    settings: WorkerSettings
    wait_seconds: float = WAIT_SECONDS
    moved: Callable[[], None] = lambda: None

    def run(self) -> list[str]:
        """Sweeps; returns what people should know, nothing when nothing had come back.

        Workers need not run: without them events go, and rollup rows are left to the next sweep. Raises
        WarehouseUnavailable and WarehouseRefused.
        """
        hand = SingleSink(self.client)
        registered = hand.rows(statements.registered())
        if not registered:
            return []
        times = TimeRules(retention_days=self.settings.usage_retention_days)
        erasure = Erasure(hand, Tombstones(self.settings.erasure_key), patience_seconds=PATIENCE_SECONDS)
        sweep = Sweep.of_what_is_kept(erasure, times)
        rows, swept = 0, Swept()
        try:
            for _ in range(TURNS):
                swept = sweep.turn(registered)
                rows += swept.rows
                if swept.is_clean:
                    return _told(rows)
                if not self._computed(swept.repair_id):
                    break
        except (NoErasureKey, WarehouseStrained) as refused:
            return [*_told(rows), f"erasures were not swept again: {refused}"]
        return [
            *_told(rows),
            f"{swept.days} days have still to be computed again before erased users are gone from them",
        ]

    def _computed(self, repair_id: str) -> bool:
        """Whether the owners have done it in time."""
        until = time.monotonic() + self.wait_seconds
        while (status := repair_status(self.client, repair_id)).asked:
            if time.monotonic() >= until:
                return False
            self.moved()
            time.sleep(LOOK_SECONDS)
        return not status.failed


def _told(rows: int) -> list[str]:
    return [f"{rows:,} rows of erased users or organizations had come back and were removed"] if rows else []
