"""How long partitions stood still: samples of applied offsets and log ends in, the longest stalls out."""

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.local.installation import Installation
from tests.benchmarks.recovery.steady_load import SteadyLoad
from tests.running import client_of
from warehouse.errors import WarehouseError

SAMPLE_SECONDS = 0.1
APPLIED = "SELECT src_partition, max(applied_offset) FROM partition_progress GROUP BY src_partition"


@dataclass(frozen=True, slots=True)
class Sample:
    """At a moment (monotonic s): last applied offset and next offset of the log by partition."""

    moment: float
    applied: Mapping[int, int]
    ends: Mapping[int, int]

    def lags(self, partition: int) -> bool:
        """Whether something waits there."""
        return self.ends.get(partition, 0) > self.applied.get(partition, -1) + 1


class Sampler(threading.Thread):
    """Takes samples all the time; while the warehouse does not answer there are none, and nothing moves."""

    def __init__(self, installation: Installation, load: SteadyLoad) -> None:
        super().__init__(daemon=True)
        self.samples: list[Sample] = []
        self.stopped = threading.Event()
        self._installation = installation
        self._load = load

    def run(self) -> None:
        """Asks a new client whenever one fails."""
        client: Client | None = None
        while not self.stopped.wait(SAMPLE_SECONDS):
            try:
                if client is None:
                    client = client_of(self._installation)
                ends = dict(self._load.ends)
                applied = {int(number): int(offset) for number, offset in client.query(APPLIED).result_rows}
                self.samples.append(Sample(time.monotonic(), applied, ends))
            except (ClickHouseError, WarehouseError, OSError):
                client = None

    def between(self, since: float, until: float) -> list[Sample]:
        """The samples of a window."""
        return [sample for sample in self.samples if since <= sample.moment <= until]

    def moved_after(self, moment: float, partitions: Sequence[int]) -> float | None:
        """When all of them had moved since that moment; None: they have not yet."""
        samples = [sample for sample in self.samples if sample.moment >= moment]
        before = next((s for s in reversed(self.samples) if s.moment < moment), None)
        if before is None:
            return None
        for sample in samples:
            if all(sample.applied.get(number, -1) > before.applied.get(number, -1) for number in partitions):
                return sample.moment
        return None


def longest_stalls(samples: Sequence[Sample]) -> dict[int, float]:
    """By partition the longest time (s) in which the applied offset did not move while there was lag."""
    longest: dict[int, float] = {}
    since: dict[int, float] = {}
    for before, sample in itertools.pairwise(samples):
        for partition in sample.ends:
            moved = sample.applied.get(partition, -1) > before.applied.get(partition, -1)
            if moved or not before.lags(partition):
                since[partition] = sample.moment
            stalled = sample.moment - since.setdefault(partition, before.moment)
            longest[partition] = max(longest.get(partition, 0.0), stalled)
    return longest
