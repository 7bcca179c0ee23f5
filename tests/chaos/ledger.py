"""Everything that is known of one topic: what was sent, what the log made of it, and what the warehouse must hold."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error
from confluent_kafka import KafkaException

from tests.chaos import stored
from tests.chaos.clock import Clock
from tests.chaos.comparison import compare
from tests.chaos.found import Found
from tests.chaos.history import History
from tests.chaos.log import LogReader, Record
from tests.chaos.prices import PriceList
from tests.chaos.revisions import SUBJECTS
from tests.chaos.sender import Sender
from tests.chaos.truth import Truth

CALM_SECONDS = 900.0
LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Ledger:
    """Sends to a topic and judges what became of it, in the log partitions `numbers`."""

    client: Client
    bootstrap: str
    topic: str
    partitions: int
    window: int
    numbers: range
    key: bytes
    """What control records are signed with."""
    clock: Clock
    truth: Truth = field(init=False)
    sender: Sender = field(init=False)
    log: LogReader = field(init=False)
    records: list[Record] = field(default_factory=list)
    """The log as far as it was read."""

    def __post_init__(self) -> None:
        self.truth = Truth(self.partitions, self.window, History(PriceList.read(self.client)), self.key)
        self.sender = Sender(self.bootstrap, self.topic, self.clock)
        self.log = LogReader(self.bootstrap, self.topic, self.partitions)

    def close(self) -> None:
        """Leaves the broker."""
        self.log.close()

    def compared(self) -> Found:
        """Every row of the warehouse against the truth.

        What cancelled jobs have done is asked of the warehouse; then the log is counted once more.
        """
        ended, history = stored.cancelled_jobs(self.client, self.numbers), self.truth.history
        if ended != history.ended:
            known = History(history.prices, contents=history.contents, ended=ended)
            self.truth = Truth(self.partitions, self.window, known, self.key)
            self.truth.read(self.records)
        return compare(self.client, self.truth, self.topic, self.numbers)

    def calm(self, patience_seconds: float = CALM_SECONDS) -> str:
        """Waits until the whole log is applied and what has closed is derived; "" or what is still missing."""
        questions = (self._not_applied, self._not_worked, self._not_swept, self._not_repaired, self._not_derived)
        return self._waited(lambda: next(filter(None, map(self._asked, questions)), ""), patience_seconds)

    def applied(self, patience_seconds: float = CALM_SECONDS) -> str:
        """Waits until the whole log is applied; "" or what is still missing."""
        return self._waited(lambda: self._asked(self._not_applied), patience_seconds)

    def worked(self, patience_seconds: float = CALM_SECONDS) -> str:
        """Waits until the whole log is applied and no job is open; "" or what is still missing."""
        questions = (self._not_applied, self._not_worked)
        return self._waited(lambda: next(filter(None, map(self._asked, questions)), ""), patience_seconds)

    @staticmethod
    def _waited(missing: Callable[[], str], patience_seconds: float) -> str:
        deadline = time.monotonic() + patience_seconds
        while (reason := missing()) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        return reason

    @staticmethod
    def _asked(question: Callable[[], str]) -> str:
        try:
            return question()
        except (Error, OSError, KafkaException) as failure:
            return f"no answer: {str(failure)[:200]}"

    def _not_applied(self) -> str:
        """Reads the log on as well: workers write to it when they forward events."""
        self._learn_revisions()
        fresh = list(self.log.records(self.sender.posted, self.sender.known))
        self.records += fresh
        self.truth.read(fresh)
        have = stored.progress(self.client, self.topic)
        waiting = {
            number: (end, have.get(number, {}).get("applied_offset", -1))
            for number, end in self.truth.ends.items()
            if have.get(number, {}).get("applied_offset", -1) < end - 1
        }
        return f"not applied (partition: log end, applied) {waiting}" if waiting else ""

    def _learn_revisions(self) -> None:
        """Reads prices again when there are revisions that the truth has not seen, and what calendars say."""
        known = self.truth.history.prices
        asked = "SELECT kind, revision, organization, content_hash, content FROM config_revisions"
        stored_now = self.client.query(asked).result_rows
        if not all(known.knows(kind, revision) for kind, revision, *_ in stored_now if kind in SUBJECTS):
            known.learn(self.client)
        for kind, revision, organization, hashed, content in stored_now:
            if kind == "calendar":
                self.truth.history.contents[organization, revision, hashed] = content

    def _not_worked(self) -> str:
        open_jobs = "SELECT kind, count() FROM jobs FINAL WHERE state IN ('asked', 'planned')"
        waiting = self.client.query(f"{open_jobs} AND {stored.within(self.numbers)} GROUP BY kind").result_rows
        return f"jobs are open: {waiting}" if waiting else ""

    def _not_swept(self) -> str:
        unswept = f"SELECT count() FROM erasures FINAL WHERE state = 'erased' AND {stored.within(self.numbers)}"
        waiting = int(self.client.query(unswept).result_rows[0][0])
        return f"{waiting} erasures are not swept again" if waiting else ""

    def _not_repaired(self) -> str:
        open_slices = "SELECT count() FROM repairs FINAL WHERE state IN ('asked', 'running')"
        waiting = int(self.client.query(f"{open_slices} AND {stored.within(self.numbers)}").result_rows[0][0])
        return f"{waiting} days are not repaired" if waiting else ""

    def _not_derived(self) -> str:
        rows = self.client.query(
            "SELECT src_partition, toString(organization), toString(grain), date FROM touched_periods "
            f"WHERE {stored.within(self.numbers)} GROUP BY src_partition, organization, grain, date "
            "HAVING maxIf(offset + 1, kind = 'touched') > maxIf(offset + 1, kind = 'done')"
        ).result_rows
        waiting = [row for row in rows if self.truth.closed(*row)]
        return f"{len(waiting)} closed periods are not derived: {waiting[:5]}" if waiting else ""
