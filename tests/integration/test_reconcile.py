"""E30 end to end: silent while traffic flows, loud about every damaged row, and clean again after --repair."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from deploy.local.installation import Installation
from tests.running import Tally, until

pytestmark = pytest.mark.integration
ORGANIZATION = f"reconciled-{uuid4().hex[:8]}"
PAST = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=20)
"""Its day and week have ended in every time zone."""
COLUMNS = "* EXCEPT (quantities_json, metadata_json)"
"""Those of usage_raw that can be read."""
DAMAGES = {
    "rollup quarter = raw": "INSERT INTO rollup (* EXCEPT ver) SELECT * REPLACE (cost_nano_usd + 7 AS cost_nano_usd) "
    "FROM rollup FINAL WHERE grain = 'quarter' AND {past} LIMIT 1",
    "rollup_prompt quarter = raw": "INSERT INTO rollup_prompt (* EXCEPT ver) SELECT * REPLACE ('nobody' AS prompt_id) "
    "FROM rollup_prompt FINAL WHERE grain = 'quarter' AND {past} LIMIT 1",
    "rollup_thread quarter = raw": "DELETE FROM rollup_thread WHERE grain = 'quarter' AND {past}",
    "rollup_category hour = quarter": "DELETE FROM rollup_category WHERE grain = 'hour' AND {past}",
    "rollup day = hour": "INSERT INTO rollup (* EXCEPT ver) SELECT * REPLACE (requests + 1 AS requests) "
    "FROM rollup FINAL WHERE grain = 'day' AND {past} LIMIT 1",
    "rollup_prompt week = day": "DELETE FROM rollup_prompt WHERE grain = 'week' AND organization = '{organization}'",
    "rollup_latency hour = raw": "INSERT INTO rollup_latency (* EXCEPT ver) "
    "SELECT * REPLACE (arrayMap(c -> c + 1, counts) AS counts) "
    "FROM rollup_latency FINAL WHERE grain = 'hour' AND {past} LIMIT 1",
}


class Traffic(threading.Thread):
    """Sends events of today, and some of a day long past, until told to stop."""

    def __init__(self, installation: Installation, key: str) -> None:
        super().__init__(daemon=True)
        self.address = f"http://127.0.0.1:{installation.plan.ports.collector}/v1/events"
        self.key = key
        self.ended = threading.Event()
        self.number = 0

    def run(self) -> None:
        while not self.ended.wait(0.1):
            self.send([self.event(datetime.now(UTC)) for _ in range(20)])

    def event(self, time: datetime) -> dict[str, object]:
        self.number += 1
        return {
            "event_id": str(uuid4()),
            "time": time.isoformat(timespec="milliseconds"),
            "organization": ORGANIZATION,
            "user_id": f"user-{self.number % 5}",
            "thread_id": f"thread-{self.number % 7}",
            "prompt_id": f"prompt-{self.number % 3}",
            "category": "coding",
            "provider": "openai",
            "model": "gpt-4o",
            "input_tokens": self.number,
            "duration_ms": 100 + self.number,
        }

    def send(self, events: list[dict[str, object]]) -> None:
        body = "\n".join(json.dumps(event) for event in events).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-ndjson"}
        with urllib.request.urlopen(urllib.request.Request(self.address, body, headers), timeout=30) as answer:
            assert answer.status == 202


@pytest.fixture(scope="module")
def traffic(installation: Installation, key: str, warehouse: Client) -> Iterator[Traffic]:
    running = Traffic(installation, key)
    running.send([running.event(PAST + timedelta(minutes=number)) for number in range(100)])
    running.start()
    derived = f"SELECT sum(requests) FROM rollup FINAL WHERE grain = 'week' AND organization = '{ORGANIZATION}'"
    until("the past is derived", lambda: warehouse.query(derived).result_rows == [(100,)])
    yield running
    running.ended.set()
    running.join(60)


def reconciled(tally: Tally, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit status and report."""
    result = tally("reconcile", *options, "--format", "json", check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return result.returncode, json.loads(result.stdout)


def test_e30_everything_agrees_while_traffic_flows_and_the_log_is_counted(
    tally: Tally, traffic: Traffic, warehouse: Client
) -> None:
    status, report = reconciled(tally)
    assert (status, report["differing"], report["differences"]) == (0, 0, [])
    assert not [note for note in report["notes"] if "log" in note]
    ((partitions, counted),) = warehouse.query("SELECT count(), sum(seen) FROM log_counts FINAL").result_rows
    assert partitions >= 1
    assert counted >= 100


def test_e30_damaged_rows_are_named_and_repaired_under_traffic(
    tally: Tally, traffic: Traffic, warehouse: Client
) -> None:
    past = f"organization = '{ORGANIZATION}' AND day = '{PAST:%Y-%m-%d}'"
    for damage in DAMAGES.values():
        warehouse.command(damage.format(past=past, organization=ORGANIZATION))
    status, report = reconciled(tally, "--organization", ORGANIZATION)
    assert status == 1
    assert set(DAMAGES) <= {found["check"] for found in report["differences"]}
    assert any("--repair" in line for line in report["to_do"])
    before = traffic.number
    status, report = reconciled(tally, "--organization", ORGANIZATION, "--repair")
    assert (status, report["differing"], report["differences"]) == (0, 0, [])
    assert any("were computed again" in note for note in report["notes"])
    until("traffic went on", lambda: traffic.number > before)
    status, report = reconciled(tally)
    assert (status, report["differences"]) == (0, [])


def test_e30_days_whose_raw_events_are_lost_are_not_repaired(tally: Tally, traffic: Traffic, warehouse: Client) -> None:
    lost = f"organization = '{ORGANIZATION}' AND day = '{PAST:%Y-%m-%d}' AND user_id = 'user-1'"
    warehouse.command("CREATE OR REPLACE TABLE kept_aside ENGINE = Memory AS SELECT * FROM usage_raw WHERE 0")
    warehouse.command(f"INSERT INTO kept_aside SELECT * FROM usage_raw FINAL WHERE {lost}")
    warehouse.command(f"DELETE FROM usage_raw WHERE {lost}")
    try:
        status, report = reconciled(tally, "--organization", ORGANIZATION, "--repair")
        assert status == 1
        assert any("was not repaired: its raw events are incomplete" in note for note in report["notes"])
        assert any(line.startswith("partition_progress = raw: raw events are missing") for line in report["to_do"])
    finally:
        warehouse.command(f"INSERT INTO usage_raw ({COLUMNS}) SELECT * FROM kept_aside")
        warehouse.command("DROP TABLE kept_aside")
    assert reconciled(tally, "--organization", ORGANIZATION)[0] == 0
