"""kill -9 of the worker, the warehouse and Kafka while traffic flows: everything acknowledged is counted once."""

import gzip
import json
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from clickhouse_connect.driver.client import Client

from deploy.local.installation import Installation
from tests.running import Tally, until

pytestmark = pytest.mark.chaos

ORGANIZATIONS = [f"chaos-{number}" for number in range(12)]
MODELS = [("openai", "gpt-4o"), ("anthropic", "claude-3-5-sonnet-latest"), ("nobody", "unheard-of")]
SEED = 7


class Traffic(threading.Thread):
    """Sends batches with copies and late events until told to stop; keeps what the collector acknowledged."""

    def __init__(self, installation: Installation, key: str) -> None:
        super().__init__(daemon=True)
        self.address = f"http://127.0.0.1:{installation.plan.ports.collector}/v1/events"
        self.key = key
        self.acknowledged: list[dict[str, object]] = []
        self.stopped = threading.Event()
        self.random = random.Random(SEED)

    def run(self) -> None:
        sent: list[dict[str, object]] = []
        while not self.stopped.is_set():
            batch = [self.event() for _ in range(40)]
            batch += self.random.sample(sent, min(len(sent), 3))
            sent = (sent + batch)[-2000:]
            self.deliver(batch)
            self.stopped.wait(0.02)

    def event(self) -> dict[str, object]:
        provider, model = self.random.choice(MODELS)
        late = timedelta(hours=self.random.choice([0, 0, 0, 0, 5, 30, 200]))
        return {
            "event_id": str(uuid4()),
            "time": (datetime.now(UTC) - late).isoformat(timespec="milliseconds"),
            "organization": self.random.choice(ORGANIZATIONS),
            "user_id": f"user-{self.random.randrange(30)}",
            "thread_id": f"thread-{self.random.randrange(50)}",
            "prompt_id": self.random.choice(["", "greeting", "summary"]),
            "category": self.random.choice(["", "coding"]),
            "provider": provider,
            "model": model,
            "status": self.random.choice(["success", "success", "error"]),
            "input_tokens": self.random.randrange(9000),
            "output_tokens": self.random.randrange(900),
            "duration_ms": self.random.randrange(20_000),
        }

    def deliver(self, batch: list[dict[str, object]]) -> None:
        """Repeats a batch until it is acknowledged, as an SDK would."""
        body = gzip.compress("\n".join(json.dumps(event) for event in batch).encode())
        while not self.stopped.is_set() or batch:
            headers = {
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/x-ndjson",
                "Content-Encoding": "gzip",
            }
            request = urllib.request.Request(self.address, data=body, headers=headers, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    results = json.load(answer)["events"]
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.3)
                continue
            for event, result in zip(batch, results, strict=True):
                assert result["status"] == "accepted", result
                place = {"partition": result["partition"], "offset": result["offset"]}
                self.acknowledged.append(
                    {"organization": event["organization"], "event_id": event["event_id"], **place}
                )
            return


@pytest.fixture
def traffic(installation: Installation, key: str) -> Iterator[Traffic]:
    running = Traffic(installation, key)
    running.start()
    yield running
    running.stopped.set()
    running.join(60)


def kill(installation: Installation, name: str) -> None:
    """kill -9 of a service's process and waits until the supervisor's successor serves."""
    pid = next(service.pid for service in installation.status() if service.name == name)
    psutil.Process(pid).send_signal(signal.SIGKILL)
    until(
        f"{name} came back",
        lambda: any(s.name == name and s.pid not in (0, pid) and s.state == "running" for s in installation.status()),
    )


def test_everything_acknowledged_is_counted_once(
    installation: Installation, tally: Tally, traffic: Traffic, warehouse: Client, tmp_path: Path
) -> None:
    for name in ("worker-0", "warehouse", "worker-0", "kafka", "worker-0", "collector", "warehouse"):
        before = len(traffic.acknowledged)
        until("traffic flows", lambda seen=before: len(traffic.acknowledged) > seen + 500)  # type: ignore[misc]
        kill(installation, name)
    before = len(traffic.acknowledged)
    until("traffic flows after the last kill", lambda: len(traffic.acknowledged) > before + 500)
    traffic.stopped.set()
    traffic.join(60)
    told = {(event["organization"], event["event_id"]) for event in traffic.acknowledged}
    names = ", ".join(f"'{name}'" for name in ORGANIZATIONS)

    def counted(table: str, what: str) -> int:
        return int(warehouse.query(f"SELECT {what} FROM {table} WHERE organization IN ({names})").result_rows[0][0])

    until("everything is visible", lambda: counted("usage_daily", "sum(requests)") == len(told))
    assert counted("usage_events", "count()") == len(told)
    acknowledged = tmp_path / "acknowledged.ndjson"
    acknowledged.write_text("\n".join(json.dumps(event) for event in traffic.acknowledged))
    result = tally("reconcile", "--acknowledged", str(acknowledged), check=False)
    assert result.returncode == 0, result.stdout + result.stderr
