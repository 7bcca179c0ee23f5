"""One round of a run: traffic and faults side by side, then calm, then every row compared with the truth."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client

from tests.chaos.cast import register_all
from tests.chaos.comparison import Found
from tests.chaos.event import Event
from tests.chaos.faults import Doer, Fault
from tests.chaos.ledger import CALM_SECONDS, Ledger
from tests.chaos.stage import PARTITIONS, WINDOW_EVENTS, Stage
from tests.chaos.traffic import Traffic
from warehouse.queries.reconcile.reconcile import reconcile

PAST_KEPT = 5000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round showed."""

    events: int
    faults: Counter[str]
    exits: Counter[int]
    calm_seconds: float
    found: Found
    reconciled_rows: int
    reconciled_wrong: int
    settled: str
    """Empty, or what had not come to rest when the patience ended."""

    @property
    def is_right(self) -> bool:
        """Whether everything came to rest and no row is wrong."""
        return not (self.settled or self.found.total_wrong or self.reconciled_wrong)


@dataclass(slots=True)
class Run:
    """A stage, and the ledger of what was sent to it."""

    stage: Stage
    seed: str
    client: Client = field(init=False)
    ledger: Ledger = field(init=False)
    past: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        installation = self.stage.installation
        self.client = self.stage.client()
        register_all(self.client)
        topic = installation.settings.events_topic
        sizes = (PARTITIONS, WINDOW_EVENTS, range(PARTITIONS))
        self.ledger = Ledger(self.client, installation.plan.kafka_bootstrap, topic, *sizes)

    def close(self) -> None:
        """Leaves broker and warehouse."""
        self.ledger.close()
        self.client.close()

    def round(self, number: int, faults: list[Fault], events: int, seconds: float) -> Outcome:
        """Runs one round to its end."""
        sender = self.ledger.sender
        before, exits_before = sender.events, self.stage.workers.exits.copy()
        traffic = Traffic(self.seed, number, PARTITIONS, round(time.time() * 1000), tuple(self.past))
        doer = Doer(self.stage)
        self._disturbed(traffic, doer, faults, events, seconds)
        self.past = (self.past + list(traffic.sent)[:: max(1, len(traffic.sent) // 1000)])[-PAST_KEPT:]
        began = time.monotonic()
        settled = self.ledger.calm()
        calm_seconds = time.monotonic() - began
        found = self.ledger.compared()
        report = reconcile(self.client)
        found.words += [str(difference) for difference in report.differences[:20]]
        exits = self.stage.workers.exits - exits_before
        sent = sender.events - before
        return Outcome(sent, doer.done, exits, calm_seconds, found, report.rows, report.differing, settled)

    def _disturbed(self, traffic: Traffic, doer: Doer, faults: list[Fault], events: int, seconds: float) -> None:
        began, stopped = time.monotonic(), threading.Event()
        with ThreadPoolExecutor(max_workers=1) as pool:
            sending = pool.submit(self.ledger.sender.pace, traffic.envelopes(events, seconds), stopped)
            try:
                for at in doer.run(faults):
                    time.sleep(max(0.0, began + at - time.monotonic()))
                sending.result(seconds + CALM_SECONDS)
            finally:
                stopped.set()
                self.stage.workers.thaw_all()
        self.stage.serve()


@contextmanager
def playing(stage: Stage, seed: str) -> Iterator[Run]:
    """A run on a stage that is set up with its workers before, and taken down after whatever happens."""
    try:
        stage.up()
        stage.workers.start()
        run = Run(stage, seed)
        yield run
        run.close()
    finally:
        stage.down()
