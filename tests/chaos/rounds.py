"""One round of a run: traffic and faults side by side, then calm, then every row compared with the truth."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from tests.chaos import stored
from tests.chaos.cast import register_all
from tests.chaos.comparison import Found, compare
from tests.chaos.event import Event
from tests.chaos.faults import Doer, Fault
from tests.chaos.log import LogReader
from tests.chaos.prices import PriceList
from tests.chaos.sender import Sender
from tests.chaos.stage import PARTITIONS, WINDOW_EVENTS, Stage
from tests.chaos.traffic import Traffic
from tests.chaos.truth import Truth
from warehouse.queries.reconcile.reconcile import reconcile

CALM_SECONDS = 240.0
LOOK_SECONDS = 0.5
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
    """A stage with everything that is known of what was sent to it."""

    stage: Stage
    seed: str
    truth: Truth = field(init=False)
    sender: Sender = field(init=False)
    log: LogReader = field(init=False)
    client: Client = field(init=False)
    past: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan, settings = self.stage.installation.plan, self.stage.installation.settings
        self.client = self.stage.client()
        register_all(self.client)
        self.truth = Truth(PARTITIONS, WINDOW_EVENTS, PriceList.read(self.client))
        self.sender = Sender(plan.kafka_bootstrap, settings.events_topic)
        self.log = LogReader(plan.kafka_bootstrap, settings.events_topic, PARTITIONS)

    def close(self) -> None:
        """Leaves broker and warehouse."""
        self.log.close()
        self.client.close()

    def round(self, number: int, faults: list[Fault], events: int, seconds: float) -> Outcome:
        """Runs one round to its end."""
        before, exits_before = self.sender.events, self.stage.workers.exits.copy()
        traffic = Traffic(self.seed, number, PARTITIONS, round(time.time() * 1000), tuple(self.past))
        doer = Doer(self.stage)
        self._disturbed(traffic, doer, faults, events, seconds)
        self.past = (self.past + list(traffic.sent)[:: max(1, len(traffic.sent) // 1000)])[-PAST_KEPT:]
        began = time.monotonic()
        settled = self.calm()
        calm_seconds = time.monotonic() - began
        found = compare(self.client, self.truth, self.sender.topic)
        report = reconcile(self.client)
        found.words += [str(difference) for difference in report.differences[:20]]
        exits = self.stage.workers.exits - exits_before
        return Outcome(
            self.sender.events - before,
            doer.done,
            exits,
            calm_seconds,
            found,
            report.rows,
            report.differing,
            settled,
        )

    def _disturbed(self, traffic: Traffic, doer: Doer, faults: list[Fault], events: int, seconds: float) -> None:
        began, stopped = time.monotonic(), threading.Event()
        failures: list[Exception] = []

        def send() -> None:
            try:
                self.sender.pace(traffic.envelopes(events, seconds), stopped)
            except Exception as failure:  # noqa: BLE001 - raised below, in the thread of the test
                failures.append(failure)

        sending = threading.Thread(target=send, daemon=True)
        sending.start()
        try:
            for at in doer.run(faults):
                time.sleep(max(0.0, began + at - time.monotonic()))
            sending.join(seconds + CALM_SECONDS)
        finally:
            stopped.set()
            self.stage.workers.thaw_all()
            sending.join(CALM_SECONDS)
        if failures:
            raise failures[0]
        self.stage.serve()

    def calm(self, patience_seconds: float = CALM_SECONDS) -> str:
        """Waits until the whole log is applied and what has closed is derived; "" or what is still missing."""
        deadline = time.monotonic() + patience_seconds
        reason = "nothing was asked"
        while time.monotonic() < deadline:
            reason = self._asked(self._not_applied) or self._asked(self._not_derived)
            if not reason:
                return ""
            time.sleep(LOOK_SECONDS)
        return reason

    def _asked(self, question: Callable[[], str]) -> str:
        try:
            return question()
        except (Error, OSError) as failure:
            return f"the warehouse does not answer: {str(failure)[:200]}"

    def _not_applied(self) -> str:
        """Reads the log on as well: workers write to it when they forward events."""
        self.truth.read(self.log.records(self.sender.posted, self.sender.known))
        have = stored.progress(self.client, self.sender.topic)
        waiting = {
            number: (end, have.get(number, {}).get("applied_offset", -1))
            for number, end in self.truth.ends.items()
            if have.get(number, {}).get("applied_offset", -1) < end - 1
        }
        return f"not applied (partition: log end, applied) {waiting}" if waiting else ""

    def _not_derived(self) -> str:
        rows = self.client.query(
            "SELECT src_partition, toString(organization), toString(grain), date FROM touched_periods "
            "GROUP BY src_partition, organization, grain, date "
            "HAVING maxIf(offset + 1, kind = 'touched') > maxIf(offset + 1, kind = 'done')"
        ).result_rows
        waiting = [row for row in rows if self.truth.closed(*row)]
        return f"{len(waiting)} closed periods are not derived: {waiting[:5]}" if waiting else ""
