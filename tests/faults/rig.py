"""A worker with a topic, a warehouse and a proxy of its own, kept running like under the supervisor, and the truth."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.local.home import ROOT
from stream_jobs.pricing.seed import seed
from tests.faults.proxy import Proxy
from tests.running import until
from tests.warehouse.embedded.running_warehouse import RunningWarehouse, free_port
from tokentally import partition_of
from tokentally.envelope import HEADER_CONTENT_TYPE, NDJSON
from warehouse.client import connect
from warehouse.migrate import migrate
from warehouse.queries.reconcile.reconcile import EVERYTHING, reconcile
from warehouse.settings import WarehouseSettings

PASSWORD = "tally-secret"
ORGANIZATIONS = ("acme", "zen", "fox", "owl")
DATABASE = "tokentally"


@dataclass
class KeptProcess:
    """A worker that is started again whenever it ends; its log is one file."""

    command: list[str]
    environment: dict[str, str]
    log: Path
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts it and watches over it."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def stop(self, kind: signal.Signals = signal.SIGKILL) -> None:
        """Ends it for good."""
        self._stopped.set()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(kind)
        if self._thread is not None:
            self._thread.join(40)

    def kill(self) -> None:
        """Ends the process; it is started again."""
        if self.process is not None:
            self.process.kill()

    def _keep(self) -> None:
        while not self._stopped.is_set():
            with self.log.open("ab") as output:
                self.process = subprocess.Popen(
                    self.command, cwd=ROOT, env=self.environment, stdout=output, stderr=output
                )
            self.starts += 1
            self.process.wait()
            self._stopped.wait(0.2)


@dataclass
class Rig:
    """Everything one scenario needs; events are counted here by a plain Counter."""

    folder: Path
    bootstrap: str
    name: str
    partitions: int = 2
    generation: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    disk: Path | None = None
    """Where the warehouse keeps its data, when that matters."""
    truth: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Input tokens by organisation, id and time."""
    warehouse: RunningWarehouse = field(init=False)
    proxy: Proxy = field(default_factory=lambda: Proxy(0))
    worker: KeptProcess | None = None
    _client: Client | None = None
    _numbers: int = 0

    def __post_init__(self) -> None:
        self.home = self.folder / "home"
        self.home.mkdir(parents=True)
        self.warehouse = RunningWarehouse(self.disk or self.folder / "warehouse")
        self.warehouse.users_file.parent.mkdir(parents=True)
        self.password_file = self.folder / "password"
        self.password_file.write_text(PASSWORD)
        self.admin = AdminClient({"bootstrap.servers": self.bootstrap})
        self.producer = Producer({"bootstrap.servers": self.bootstrap})
        self.consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group})

    @property
    def topic(self) -> str:
        return f"faults.{self.name}"

    @property
    def group(self) -> str:
        return f"faults.{self.name}"

    @property
    def client(self) -> Client:
        """The warehouse itself, past the proxy."""
        if self._client is None:
            url = f"http://127.0.0.1:{self.warehouse.port}"
            asked = WarehouseSettings(url=url, user="tally", password_file=self.password_file)
            self._client = connect(asked, database="")
            migrate(self._client, DATABASE)
        return self._client

    def set_up(self) -> "Rig":
        """Topic, tables, prices and proxy; no worker yet."""
        self.warehouse.start()
        seed(self.client, datetime.now(UTC))
        self.proxy.target = self.warehouse.port
        self.proxy.start()
        self.create_topic()
        return self

    def tear_down(self) -> None:
        """Ends everything."""
        self.stop_worker()
        self.admin.delete_topics([self.topic])
        self.consumer.close()
        self.proxy.stop()
        self.warehouse.end(signal.SIGKILL)

    def create_topic(self) -> None:
        """The topic and the one of refusals."""
        config = {"message.timestamp.type": "LogAppendTime"}
        topics = [NewTopic(self.topic, self.partitions, 1, config=config), NewTopic(f"{self.topic}.rejected", 1, 1)]
        for future in self.admin.create_topics(topics).values():
            try:
                future.result(20)
            except Exception as failure:
                if "already exists" not in str(failure):
                    raise

    def recreate_topic(self) -> None:
        """Deletes the topic and makes another one with the same name."""
        self.admin.delete_topics([self.topic])[self.topic].result(20)
        until("the topic is gone", lambda: self.topic not in self.admin.list_topics(timeout=10).topics)
        self.create_topic()
        until("the topic is there", lambda: self.topic in self.admin.list_topics(timeout=10).topics)

    def start_worker(self) -> KeptProcess:
        """Starts the worker with the present settings; it stays."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")} | {
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "producers/sdk/src"))),
            "TALLY_HOME": str(self.home),
            "TALLY_KAFKA_BOOTSTRAP": self.bootstrap,
            "TALLY_EVENTS_TOPIC": self.topic,
            "TALLY_REJECTED_TOPIC": f"{self.topic}.rejected",
            "TALLY_CONSUMER_GROUP": self.group,
            "TALLY_PARTITIONS": str(self.partitions),
            "TALLY_TOPIC_GENERATION": str(self.generation),
            "TALLY_WAREHOUSE_URL": f"http://127.0.0.1:{self.proxy.port}",
            "TALLY_WAREHOUSE_USER": "tally",
            "TALLY_WAREHOUSE_PASSWORD_FILE": str(self.password_file),
            "TALLY_WAREHOUSE_RECEIVE_TIMEOUT_SECONDS": "5",
            "TALLY_METRICS_PORT": str(free_port()),
            "TALLY_SESSION_SECONDS": "6",
            "TALLY_CASCADE_SECONDS": "1",
            **self.settings,
        }
        self.metrics_port = int(environment["TALLY_METRICS_PORT"])
        command = [sys.executable, "-m", "stream_jobs.worker"]
        self.worker = KeptProcess(command, environment, self.folder / "worker.log")
        self.worker.start()
        return self.worker

    def stop_worker(self) -> None:
        """Ends the worker for good."""
        if self.worker is not None:
            self.worker.stop()
            self.worker = None

    def send(self, count: int, late: timedelta = timedelta(), organizations: tuple[str, ...] = ORGANIZATIONS) -> None:
        """New events in envelopes of up to 20, acknowledged by the broker."""
        now = datetime.now(UTC) - late
        events = []
        for _ in range(count):
            self._numbers += 1
            events.append(self.event(self._numbers, now, organizations[self._numbers % len(organizations)]))
        self.produce(events)

    def send_troublesome(self, count: int) -> None:
        """So many events in the wrong partition, and as many that are refused."""
        now = datetime.now(UTC)
        strangers, refused = [], []
        for _ in range(count):
            self._numbers += 1
            strangers.append(self.event(self._numbers, now, ORGANIZATIONS[self._numbers % len(ORGANIZATIONS)]))
            refused.append(self.event(self._numbers, now - timedelta(days=12_000), ORGANIZATIONS[0]))
        self.produce(strangers, shift=1)
        self.produce(refused, counted=False)

    def totals(self, outcome: str) -> int:
        """A running total over all partitions, as progress says."""
        return int(self.client.query(f"SELECT sum({outcome}) FROM partition_progress FINAL").result_rows[0][0])

    def event(self, number: int, time: datetime, organization: str) -> dict[str, Any]:
        """One event."""
        return {
            "event_id": f"call-{number}",
            "time": time.isoformat(timespec="milliseconds"),
            "organization": organization,
            "user_id": f"user-{number % 5}",
            "thread_id": f"thread-{number % 3}",
            "prompt_id": "greeting",
            "category": "coding",
            "provider": "openai",
            "model": "gpt-4o",
            "input_tokens": number % 1000 + 1,
            "duration_ms": number % 5000,
        }

    def produce(self, events: list[dict[str, Any]], *, counted: bool = True, shift: int = 0) -> None:
        """Puts events into the log, `shift` partitions off; the same event twice is one for the truth."""
        by_partition: dict[int, list[dict[str, Any]]] = {}
        for event in events:
            home = partition_of(event["organization"], self.partitions)
            by_partition.setdefault((home + shift) % self.partitions, []).append(event)
            if counted:
                self.truth[(event["organization"], event["event_id"], event["time"])] = event["input_tokens"]
        headers: list[tuple[str, str | bytes | None]] = [(HEADER_CONTENT_TYPE, NDJSON.encode())]
        failures: list[object] = []
        for partition, mine in by_partition.items():
            for start in range(0, len(mine), 20):
                body = b"\n".join(json.dumps(event).encode() for event in mine[start : start + 20])
                self.producer.produce(
                    self.topic,
                    body,
                    partition=partition,
                    headers=headers,
                    on_delivery=lambda error, _message: failures.append(error) if error else None,
                )
        assert self.producer.flush(60) == 0
        assert not failures, failures

    def visible(self) -> tuple[dict[str, int], dict[str, int]]:
        """Requests and input tokens by organisation, as the daily view says."""
        sql = "SELECT organization, sum(requests), sum(input_tokens) FROM usage_daily GROUP BY organization"
        rows = self.client.query(sql).result_rows
        return {row[0]: int(row[1]) for row in rows}, {row[0]: int(row[2]) for row in rows}

    def expected(self) -> tuple[dict[str, int], dict[str, int]]:
        """The same from what was sent."""
        requests, tokens = Counter[str](), Counter[str]()
        for (organization, _, _), count in self.truth.items():
            requests[organization] += 1
            tokens[organization] += count
        return dict(requests), dict(tokens)

    def is_exact(self) -> bool:
        """Whether everything sent is visible once."""
        return self.visible() == self.expected()

    def wait_until_exact(self, seconds: float = 90.0) -> None:
        """Waits for it; then raw, families and grains must agree too."""
        try:
            until("everything is counted once", self.is_exact, seconds)
        except BaseException:
            print("visible", self.visible(), "expected", self.expected(), "status", self.told())
            print(self.log_lines()[-3000:])
            raise
        self.check_everything()

    def check_everything(self) -> None:
        """Raw equals the truth, every family and grain equals raw, and what is noted equals what is stored."""
        raw = self.client.query("SELECT count(), sum(input_tokens) FROM usage_events").result_rows[0]
        assert (int(raw[0]), int(raw[1])) == (len(self.truth), sum(self.truth.values()))
        for view in ("usage_hourly", "usage_weekly", "usage_monthly"):
            total = self.client.query(f"SELECT sum(requests), sum(input_tokens) FROM {view}").result_rows[0]
            assert (int(total[0]), int(total[1])) == (len(self.truth), sum(self.truth.values())), view
        report = reconcile(self.client, EVERYTHING, iter(()))
        assert report.differing == 0, report.differences[:5]

    def applied(self) -> dict[int, int]:
        """Stored progress of the present generation by Kafka partition."""
        sql = "SELECT src_partition, applied_offset FROM partition_progress FINAL"
        first = 1024 * self.generation
        return {int(n) - first: int(o) for n, o in self.client.query(sql).result_rows if int(n) >= first}

    def acknowledged(self) -> dict[int, int]:
        """Kafka's committed offsets."""
        places = [TopicPartition(self.topic, partition) for partition in range(self.partitions)]
        return {place.partition: place.offset for place in self.consumer.committed(places, timeout=10)}

    def rests(self) -> bool:
        """Whether progress has reached the end of the log and the worker says that it waits for nothing."""
        told = self.told()
        return self.applied() == {number: end - 1 for number, end in self.ends().items()} and not told["waiting_for"]

    def ends(self) -> dict[int, int]:
        """The next offset of each partition of the log."""
        places = [TopicPartition(self.topic, partition) for partition in range(self.partitions)]
        return {place.partition: self.consumer.get_watermark_offsets(place, timeout=10)[1] for place in places}

    def nothing_unstored_is_acknowledged(self, applied: dict[int, int] | None = None) -> None:
        """What is acknowledged is asked first: it may only grow meanwhile.

        applied: stored progress, where the warehouse cannot be asked.
        """
        acknowledged = self.acknowledged()
        applied = self.applied() if applied is None else applied
        for partition, offset in acknowledged.items():
            assert offset <= applied.get(partition, -1) + 1, (acknowledged, applied)

    def told(self) -> dict[str, Any]:
        """What the worker says to `tally status`."""
        try:
            told: dict[str, Any] = json.loads((self.home / "run/worker-0.json").read_text())
        except FileNotFoundError:
            return {}
        return told

    def waits_for(self) -> str:
        """What it says it waits for, and why."""
        told = self.told()
        return f"{told.get('waiting_for', '')} {told.get('reasons', '')}"

    def refused(self) -> dict[int, str]:
        """The partitions it does not read, with the reasons."""
        return {int(partition): reason for partition, reason in self.told().get("refused", {}).items()}

    def log_lines(self) -> str:
        """The worker's log."""
        path = self.folder / "worker.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def back_up(self, name: str) -> Path:
        """A copy of the warehouse's data as they are now (its process is stopped for that moment)."""
        self.warehouse.end()
        kept = self.folder / name
        shutil.copytree(self.warehouse.home / "warehouse", kept, symlinks=True)
        self._client = None
        self.warehouse.start()
        return kept

    def restore(self, kept: Path) -> None:
        """Kills the warehouse, puts the copy in the place of its data, and starts it again."""
        self.warehouse.end(signal.SIGKILL)
        shutil.rmtree(self.warehouse.home / "warehouse")
        shutil.copytree(kept, self.warehouse.home / "warehouse", symlinks=True)
        self._client = None
        self.warehouse.start()
