"""Where a scenario about one rule is played: a topic, one worker that may go without the rule, and the truth.

Each trial has a topic and a consumer group of its own and lives in one log partition that no other trial uses, so that
many run side by side on one installation. Its one worker dies between two writes that the scenario names, and is
started again.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid4, uuid5

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.local.home import ROOT
from producers.control.record import CONTROL, HEADER_KIND, HEADER_SIGNATURE, ControlRecord, signature
from stream_jobs.jobs.rewriting import RAW_COLUMNS
from tests.chaos.clock import KEPT_TIMES, Clock
from tests.chaos.event import EPOCH, Event, Posted
from tests.chaos.ledger import Ledger
from tests.chaos.revisions import CalendarRevision, Revision, Revisions
from tests.chaos.stage import Stage
from tokentally import partition_of
from warehouse.families import FAMILIES

WINDOW_EVENTS = 50
PATIENCE_SECONDS = 90.0
LOOK_SECONDS = 0.1
DAY_MS = 86_400_000


class Restless(AssertionError):
    """The trial does not come to rest."""


@dataclass(slots=True)
class Trial:
    """A topic, its worker and its ledger."""

    stage: Stage
    name: str
    number: int
    rule_off: str
    ledger: Ledger = field(init=False)
    started_ms: int = field(default_factory=lambda: round(time.time() * 1000))
    _worker: subprocess.Popen[bytes] | None = None
    _admin: AdminClient = field(init=False)
    _revisions: Revisions = field(init=False)

    def __post_init__(self) -> None:
        bootstrap = self.stage.installation.plan.kafka_bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        topic = NewTopic(self.topic, self.partitions, 1, config=KEPT_TIMES)
        self._admin.create_topics([topic])[self.topic].result(30)
        mine = range(self.number, self.number + 1)
        self._revisions = Revisions(self.stage.client(), "trials")
        sizes = (self.partitions, WINDOW_EVENTS, mine)
        self.ledger = Ledger(self.stage.client(), bootstrap, self.topic, *sizes, self.stage.control_key, self.clock)

    @property
    def clock(self) -> Clock:
        """The clock of its log."""
        return Clock(self.stage.installation.home.run / f"{self.topic}.clock")

    @property
    def partitions(self) -> int:
        """Of its topic: the last one is its own."""
        return self.number + 1

    @property
    def topic(self) -> str:
        """The topic of this trial alone."""
        return f"usage.{self.name}.{self.rule_off}"

    def organization(self, who: str) -> str:
        """A name that belongs to the trial's partition."""
        names = (f"{self.topic} {who} {number}" for number in count())
        return next(name for name in names if partition_of(name, self.partitions) == self.number)

    def close(self) -> None:
        """Ends the worker and leaves broker and warehouse."""
        self.end()
        self.ledger.close()
        self.ledger.client.close()
        self._revisions.client.close()

    def event(self, number: int, who: str = "steady", age_days: float = 3) -> Event:
        """One of the trial's events; the same number is the same event."""
        fields = {"user_id": f"user-{number % 3}", "provider": "openai", "model": "gpt-4o", "thread_id": "t"}
        counts = {"input_tokens": 100 + number, "output_tokens": 10, "duration_ms": 500 + number}
        key = str(uuid5(NAMESPACE_OID, f"{self.topic} {number}"))
        # In the middle of a quarter hour: events of one age share their rows.
        quarter_ms = (self.started_ms - round(age_days * DAY_MS)) // 900_000 * 900_000
        return Event(self.organization(who), key, quarter_ms + number, {**fields, **counts})

    def send(self, *events: Event) -> None:
        """One envelope, in the log before this returns."""
        self.ledger.sender.send(Posted(self.number, events))
        self.ledger.sender.flush()

    def start(self, die_before: str = "") -> None:
        """Starts the worker; it dies before it writes to that table, or at that place, once `doom` was called."""
        plan = self.stage.installation.plan
        deadly = {"CHAOS_DIE_BEFORE": die_before, "CHAOS_DIE_WHEN": str(self._doom)} if die_before else {}
        with open(self.stage.installation.home.logs / f"{self.topic}.log", "ab") as log:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.worker_without", self.rule_off],
                cwd=ROOT,
                env=os.environ | dict(plan.worker(self.number).environment) | self._settings() | deadly,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _settings(self) -> dict[str, str]:
        return {
            "TALLY_EVENTS_TOPIC": self.topic,
            "TALLY_CONSUMER_GROUP": self.topic,
            "TALLY_PARTITIONS": str(self.partitions),
            "TALLY_WORKER_ID": str(self.number),
            "TALLY_WINDOW_EVENTS": str(WINDOW_EVENTS),
            "TALLY_CASCADE_SECONDS": "0.5",
            "TALLY_TAKE_SECONDS": "0.5",
            "TALLY_SESSION_SECONDS": "8",
            "TALLY_ERASURE_SWEEP_SECONDS": "30",
            "POLARS_MAX_THREADS": "1",
            **self.clock.environment,
        }

    def doom(self) -> None:
        """From now on the worker dies at its place."""
        self._doom.touch()

    def await_death(self) -> None:
        """Returns when the worker killed itself. Raises AssertionError when it died otherwise."""
        assert self._worker is not None
        assert self._worker.wait(PATIENCE_SECONDS) == -signal.SIGKILL, f"{self.topic} left by itself"

    def end(self) -> None:
        """SIGKILL."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.wait()

    def await_commit(self) -> None:
        """Returns when Kafka's commit has reached the end of the log."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._committed() < self.ledger.log.ends()[self.number]:
            assert time.monotonic() < deadline, f"{self.topic}: no commit"
            time.sleep(LOOK_SECONDS)

    def _committed(self) -> int:
        asked = [ConsumerGroupTopicPartitions(self.topic, [TopicPartition(self.topic, self.number)])]
        answer: Any = self._admin.list_consumer_group_offsets(asked)[self.topic].result(30)
        return int(answer.topic_partitions[0].offset)

    def applied(self) -> None:
        """Returns when the log is applied. Raises AssertionError when that takes too long."""
        waiting = self.ledger.applied(PATIENCE_SECONDS)
        assert waiting == "", f"{self.topic}: {waiting}"

    def calm(self) -> None:
        """Returns when the log is applied and closed periods are derived."""
        if waiting := self.ledger.calm(PATIENCE_SECONDS):
            raise Restless(f"{self.topic}: {waiting}")

    def order(
        self, kind: str, body: Mapping[str, Any], *, signed: bool = True, number: int = -1, of: str = "steady"
    ) -> None:
        """Writes a control record to the log. number: the same one again is the same request."""
        control_id = uuid4() if number < 0 else uuid5(NAMESPACE_OID, f"{self.topic} order {number}")
        organization = self.organization(of) if of else ""
        asked = (str(control_id), kind, organization, body, "chaos", "", datetime.now(UTC))
        value = ControlRecord(*asked).value(self.number)
        headers: list[tuple[str, str | bytes | None]] = [(HEADER_KIND, CONTROL)]
        if signed:
            headers.append((HEADER_SIGNATURE, signature(value, self.stage.control_key)))
        self.ledger.sender.send_control(value, self.number, headers)

    def change_calendar(self, number: int, start: int, zone: str, week_start: int) -> None:
        """Stores a revision of the organisation's calendar and says that it holds from `start` (Unix seconds) on."""
        organization = self.organization("steady")
        since = datetime.fromtimestamp(start, UTC).isoformat()
        revision = CalendarRevision(organization, number, zone, week_start, since)
        self._revisions.store(revision)
        body = {"subject": "calendar", "revision": number, "content_hash": revision.content_hash}
        self.order("config", body)

    def midnight(self) -> int:
        """The next one of the trial's first calendar, which is that of UTC (Unix seconds)."""
        return (self.started_ms // DAY_MS + 1) * DAY_MS // 1000 + DAY_MS // 1000

    def days_before(self, instant: int) -> float:
        """The age of an event (days, as `event` takes it) at an instant (Unix seconds)."""
        return (self.started_ms - instant * 1000) / DAY_MS

    def leap_to(self, instant: int) -> None:
        """Lets the log's time pass until an instant (Unix seconds)."""
        self.clock.leap(instant * 1000 - self.clock.now_ms())

    def cancel(self, number: int) -> None:
        """Cancels the job of the order with this number."""
        row = [uuid5(NAMESPACE_OID, f"{self.topic} order {number}"), "cancel", "chaos"]
        self.ledger.client.insert("job_orders", [row], column_names=["control_id", "wanted", "author"])

    def store_prices(self, revision: int) -> None:
        """Stores a revision of prices; all trials make the same one."""
        self._revisions.store(Revision("prices", revision))

    def put_in_force(self, revision: int) -> None:
        """A revision of prices is in force from here on."""
        content_hash = self._revisions.hash_of(Revision("prices", revision))
        self.order("config", {"subject": "prices", "revision": revision, "content_hash": content_hash}, of="")

    @staticmethod
    def named(event: Event) -> dict[str, str]:
        """How a control record names an event."""
        time = (EPOCH + timedelta(milliseconds=event.time_ms)).isoformat(timespec="milliseconds")
        return {"event_id": event.event_id, "time": time}

    def worked(self) -> None:
        """Returns when no job is open; erasures may still be swept again."""
        if waiting := self.ledger.worked(PATIENCE_SECONDS):
            raise Restless(f"{self.topic}: {waiting}")

    def slice_begun(self) -> None:
        """Returns when a slice is being done."""
        begun = f"SELECT count() FROM repairs FINAL WHERE state = 'running' AND src_partition = {self.number}"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not int(self.ledger.client.query(begun).result_rows[0][0]):
            assert time.monotonic() < deadline, f"{self.topic}: no slice is begun"
            time.sleep(LOOK_SECONDS)

    def keep_raw_rows(self) -> None:
        """Keeps the raw rows of the trial aside, as a worker that froze while it wrote them has them."""
        self.ledger.client.command(f"CREATE TABLE {self._aside} AS usage_raw")
        self.ledger.client.command(
            f"INSERT INTO {self._aside} ({self._columns}) SELECT {self._columns} FROM usage_raw "
            f"WHERE src_partition = {self.number}"
        )

    def write_raw_rows_late(self) -> None:
        """That worker thaws."""
        self.ledger.client.command(f"INSERT INTO usage_raw ({self._columns}) SELECT {self._columns} FROM {self._aside}")

    @property
    def _columns(self) -> str:
        return ", ".join(row[0] for row in self.ledger.client.query(RAW_COLUMNS).result_rows)

    @property
    def _aside(self) -> str:
        return f"aside_{self.number}"

    def raise_epochs(self, who: str) -> None:
        """What a repair leaves: the rows of an organisation as they are, under a higher epoch."""
        for family in FAMILIES:
            columns = f"grain, bucket, hour, day, week, organization, {', '.join(family.dimensions)}, src_partition, "
            columns += f"{', '.join(family.measures)}, offset"
            self.ledger.client.command(
                f"INSERT INTO {family.table} ({columns}, epoch) SELECT {columns}, 1 FROM {family.table} FINAL "
                f"WHERE organization = '{self.organization(who)}' AND grain = 'quarter'"
            )

    @property
    def _doom(self) -> Path:
        return self.stage.installation.home.run / f"{self.topic}.doom"


@contextmanager
def trial(stage: Stage, name: str, number: int, rule_off: str) -> Iterator[Trial]:
    """A trial that is closed in the end."""
    made = Trial(stage, name, number, rule_off)
    try:
        yield made
    finally:
        made.close()
