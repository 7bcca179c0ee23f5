"""One round of a run: traffic and faults side by side, then calm, then every row compared with the truth."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from tests.chaos.calendar_changes import CalendarChanges
from tests.chaos.cast import register_all
from tests.chaos.controls import Asked, Controls
from tests.chaos.event import Event, Posted
from tests.chaos.faults import Doer, Fault
from tests.chaos.found import Found
from tests.chaos.ledger import CALM_SECONDS, LOOK_SECONDS, Ledger
from tests.chaos.publishing import Publishing
from tests.chaos.revisions import SUBJECTS, Revisions
from tests.chaos.stage import PARTITIONS, WINDOW_EVENTS, Stage
from tests.chaos.traffic import Traffic
from warehouse.control.outbox import unpublished
from warehouse.errors import WarehouseUnavailable
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
    publishing: Publishing = field(init=False)
    past: list[Event] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUBJECTS, 1))
    """The newest revisions that control records put in force."""
    asked: list[Asked] = field(default_factory=list)
    calendars: CalendarChanges = field(default_factory=CalendarChanges)

    def __post_init__(self) -> None:
        installation = self.stage.installation
        self.client = self.stage.client()
        register_all(self.client)
        topic = installation.settings.events_topic
        sizes, key = (PARTITIONS, WINDOW_EVENTS, range(PARTITIONS)), self.stage.control_key
        clock = self.stage.clock
        self.ledger = Ledger(self.client, installation.plan.kafka_bootstrap, topic, *sizes, key, clock)
        revisions = Revisions(self.stage.client(), self.seed)
        self.publishing = Publishing(installation, revisions.client, revisions, key, clock)

    def close(self) -> None:
        """Ends the publisher, leaves broker and warehouse."""
        self.publishing.stop()
        self.ledger.close()
        self.client.close()

    def round(self, number: int, faults: list[Fault], events: int, seconds: float, records: int = 0) -> Outcome:
        """Runs one round to its end; `records`: how many control records are asked for."""
        sender = self.ledger.sender
        before, exits_before = sender.events, self.stage.workers.exits.copy()
        published_before = self.publishing.done.copy()
        traffic = Traffic(self.seed, number, PARTITIONS, self.stage.clock.now_ms(), tuple(self.past))
        doer = Doer(self.stage, self.publishing)
        controls = Controls(self.seed, number, self.newest, self.asked, self.calendars)
        self._disturbed(self._sent(traffic, controls, events, seconds, records), doer, faults, seconds)
        self.past = (self.past + list(traffic.sent)[:: max(1, len(traffic.sent) // 1000)])[-PAST_KEPT:]
        began = time.monotonic()
        settled = self.settled_outbox() or self.ledger.calm()
        calm_seconds = time.monotonic() - began
        found = self.ledger.compared()
        report = reconcile(self.client)
        found.words += [str(difference) for difference in report.differences[:20]]
        exits = self.stage.workers.exits - exits_before
        sent = sender.events - before
        doer.done += self.publishing.done - published_before
        return Outcome(sent, doer.done, exits, calm_seconds, found, report.rows, report.differing, settled)

    def _sent(
        self, traffic: Traffic, controls: Controls, events: int, seconds: float, records: int
    ) -> Iterator[tuple[float, Posted]]:
        """The round's envelopes; between them control records are asked for, and now and then much time passes."""
        moments, leaps = deque(controls.moments(records)), deque(controls.leaps() if records else ())
        for at, posted in traffic.envelopes(events, seconds):
            yield at, posted
            while moments and moments[0] * seconds <= at and traffic.sent:
                moments.popleft()
                self.publishing.ask(controls.next(traffic))
            while leaps and leaps[0] * seconds <= at:
                leaps.popleft()
                controls.leap(traffic, self.stage.clock)

    def settled_outbox(self) -> str:
        """Waits until every record that was asked for is where it belongs; "" or what is missing."""
        deadline = time.monotonic() + CALM_SECONDS
        self.stage.resume_jobs()
        while time.monotonic() < deadline:
            with suppress(Error, OSError, WarehouseUnavailable):
                left = unpublished(self.client, datetime.now(UTC), 0) or self.publishing.revisions.missing(self.client)
                if self.publishing.is_idle() and not left:
                    return ""
            time.sleep(LOOK_SECONDS)
        return "control records are not published"

    def _disturbed(
        self, envelopes: Iterator[tuple[float, Posted]], doer: Doer, faults: list[Fault], seconds: float
    ) -> None:
        began, stopped = time.monotonic(), threading.Event()
        with ThreadPoolExecutor(max_workers=1) as pool:
            sending = pool.submit(self.ledger.sender.pace, envelopes, stopped)
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
        try:
            yield run
        finally:
            run.close()
    finally:
        stage.down()
