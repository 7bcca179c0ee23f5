"""Starting everything in the right order, as much as possible at once."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from deploy.local import health, steps, superset
from deploy.local.kafka import broker, topics
from deploy.local.services import Plan
from deploy.local.supervision import Supervisor

START_SECONDS = 180.0
"""On a busy machine; what ends meanwhile is told at once."""
SUPERSET_SECONDS = 120.0

Report = Callable[[str], None]
"""Told about each thing that became ready."""


@dataclass(frozen=True, slots=True)
class Startup:
    """One start of the wanted services; those that run already are only asked for their health."""

    plan: Plan
    supervisor: Supervisor
    wanted: frozenset[str]
    report: Report
    _began: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Kafka, the warehouse and Superset side by side, then all that needs the first two.

        Raises the first failure, after what was begun beside it has come to its end.
        """
        with ThreadPoolExecutor(max_workers=16) as pool:
            kafka = pool.submit(self._kafka)
            warehouse = pool.submit(self._warehouse)
            prepared = pool.submit(self._superset)
            kafka.result()
            warehouse.result()
            rest = self.wanted - {"kafka", "warehouse", "superset"}
            serving = [pool.submit(self._serve, name) for name in sorted(rest)]
            serving.append(pool.submit(self._dashboards, prepared))
            for future in serving:
                future.result()

    def _kafka(self) -> None:
        if "kafka" not in self.wanted:
            return
        if not self._runs("kafka"):
            broker.prepare(self.plan.home, self.plan.settings)
        self._serve("kafka")
        topics.create(self.plan.kafka_bootstrap, self.plan.settings)

    def _warehouse(self) -> None:
        if "warehouse" not in self.wanted:
            return
        self._serve("warehouse")
        environment = self.plan.environment("warehouse-setup")
        for name, module in (("migrate", "warehouse.migrate"), ("prices", "stream_jobs.pricing.seed")):
            steps.run(self.plan.home, name, [sys.executable, "-m", module], environment)
        self.report(f"tables and prices ready {self._elapsed()}")

    def _superset(self) -> None:
        if "superset" not in self.wanted:
            return
        if not self._runs("superset"):
            superset.ensure_environment(self.plan.home)
            superset.set_up(self.plan)
        self._serve("superset", SUPERSET_SECONDS)

    def _dashboards(self, prepared: Future[None]) -> None:
        prepared.result()
        if "superset" in self.wanted:
            superset.push(self.plan)

    def _serve(self, name: str, deadline_seconds: float = START_SECONDS) -> None:
        service = next(service for service in self.plan.services() if service.name == name)
        self.supervisor.start_service(name)
        health.wait_until_ready(service, self.supervisor, self.plan.home, deadline_seconds=deadline_seconds)
        self.report(f"{name} ready {self._elapsed()}")

    def _runs(self, name: str) -> bool:
        return self.supervisor.states()[name].pid != 0

    def _elapsed(self) -> str:
        return f"({time.monotonic() - self._began:.1f} s)"
