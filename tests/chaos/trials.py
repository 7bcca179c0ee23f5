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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.local.home import ROOT
from tests.chaos.event import Event, Posted
from tests.chaos.ledger import Ledger
from tests.chaos.stage import Stage
from tokentally import partition_of
from warehouse.families import FAMILIES

PARTITIONS = 16
WINDOW_EVENTS = 50
PATIENCE_SECONDS = 90.0
LOOK_SECONDS = 0.1
DAY_MS = 86_400_000


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

    def __post_init__(self) -> None:
        bootstrap = self.stage.installation.plan.kafka_bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        topic = NewTopic(self.topic, PARTITIONS, 1, config={"message.timestamp.type": "LogAppendTime"})
        self._admin.create_topics([topic])[self.topic].result(30)
        mine = range(self.number, self.number + 1)
        self.ledger = Ledger(
            self.stage.client(), bootstrap, self.topic, PARTITIONS, WINDOW_EVENTS, mine, self.stage.control_key
        )

    @property
    def topic(self) -> str:
        """The topic of this trial alone."""
        return f"usage.{self.name}.{self.rule_off}"

    def organization(self, who: str) -> str:
        """A name that belongs to the trial's partition."""
        names = (f"{self.topic} {who} {number}" for number in count())
        return next(name for name in names if partition_of(name, PARTITIONS) == self.number)

    def close(self) -> None:
        """Ends the worker and leaves broker and warehouse."""
        self.end()
        self.ledger.close()
        self.ledger.client.close()

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
        """Starts the worker; it dies before it writes to that table once `doom` was called."""
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
            "TALLY_PARTITIONS": str(PARTITIONS),
            "TALLY_WORKER_ID": str(self.number),
            "TALLY_WINDOW_EVENTS": str(WINDOW_EVENTS),
            "TALLY_CASCADE_SECONDS": "0.5",
            "TALLY_TAKE_SECONDS": "0.5",
            "TALLY_SESSION_SECONDS": "8",
            "POLARS_MAX_THREADS": "1",
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
        waiting = self.ledger.calm(PATIENCE_SECONDS)
        assert waiting == "", f"{self.topic}: {waiting}"

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
