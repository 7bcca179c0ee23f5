"""C9: refused events are kept, found, and put through again after a fix; however often, they count once."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from deploy.local.installation import Installation
from tests.running import Tally, until
from tokentally import partition_of

pytestmark = pytest.mark.integration


@pytest.fixture
def organization() -> str:
    return f"refused-{uuid4().hex[:8]}"


def post(installation: Installation, key: str, *events: dict[str, Any]) -> None:
    url = f"http://127.0.0.1:{installation.plan.ports.collector}/v1/events"
    httpx.post(url, json=list(events), headers={"authorization": f"Bearer {key}"}, trust_env=False).read()


def event(organization: str, number: int, **fields: Any) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {
        "event_id": f"call-{number}", "time": now, "organization": organization, "model": "gpt-4o", "input_tokens": 10
    } | fields  # fmt: skip


def listed(tally: Tally, *arguments: str) -> list[dict[str, Any]]:
    lines = tally("rejected", "list", "--format", "json", *arguments).stdout.splitlines()
    return [json.loads(line) for line in lines if line]


def counted(warehouse: Client, organization: str) -> int:
    sql = "SELECT sum(requests) FROM usage_daily WHERE organization = {name:String}"
    return int(warehouse.query(sql, parameters={"name": organization}).result_rows[0][0])


def test_c9_refusals_are_found_edited_and_replayed_without_counting_twice(
    installation: Installation, tally: Tally, warehouse: Client, key: str, organization: str, tmp_path: Path
) -> None:
    no_id = {name: value for name, value in event(organization, 2, rating=9).items() if name != "event_id"}
    post(installation, key, event(organization, 0), event(organization, 1, rating=9), no_id)
    until("both refusals are stored", lambda: len(listed(tally, "--organization", organization)) == 2)
    found = listed(tally, "--organization", organization, "--source", "collector", "--reason", "rating")
    assert len(found) == 2
    assert {one["replayed"] for one in found} == {None}
    [reason] = [one for one in listed(tally, "--by-reason", "--organization", organization) if one["count"] == 1][:1]
    assert "rating" in reason["reason"]
    named = next(one for one in found if one["event_id"])
    shown = tally("rejected", "show", named["rejection_id"]).stdout
    assert "at the door" in shown
    assert '"rating"' in shown.replace("\\", "")

    plan = tally("rejected", "replay", "--organization", organization, "--dry-run").stdout
    assert "0 events would be accepted, 2 refused again" in plan

    for one in found:
        raw = tally("rejected", "show", one["rejection_id"], "--raw").stdout
        file = tmp_path / "event.json"
        file.write_text(re.sub(r'"rating": ?9', '"rating": 5', raw))
        sent = tally("rejected", "replay", one["rejection_id"], "--with", str(file), "--yes").stdout
        assert "1 events were accepted, 0 refused again" in sent
        again = tally("rejected", "replay", one["rejection_id"], "--with", str(file), "--yes", check=False)
        assert again.returncode == 1
        assert "accepted before" in again.stderr
    assert counted(warehouse, organization) == 3
    assert len(listed(tally, "--organization", organization, "--replayed")) == 2
    assert listed(tally, "--organization", organization, "--not-replayed") == []
    assert "accepted at partition" in tally("rejected", "show", named["rejection_id"]).stdout


def test_c9_lines_of_an_envelope_that_was_too_large_are_replayed_once_even_when_the_marks_were_lost(
    installation: Installation, tally: Tally, warehouse: Client, organization: str
) -> None:
    producer = Producer({"bootstrap.servers": installation.plan.kafka_bootstrap})
    home = partition_of(organization, installation.settings.partitions)
    block = b"\n".join(_slim(organization, number) for number in range(1001))
    producer.produce(installation.settings.events_topic, block, partition=home)
    producer.flush(30)

    def whole() -> list[dict[str, Any]]:
        return [one for one in listed(tally, "--reason", "1001 events") if one["partition"] % 1024 == home]

    until("the envelope is refused", lambda: bool(whole()))
    name = whole()[0]["rejection_id"]
    assert "1,001 of its 1,001 events can be read" in tally("rejected", "show", name).stdout
    before = counted(warehouse, organization)
    tally("rejected", "replay", name, "--yes")
    assert counted(warehouse, organization) == before + 1001
    assert "0 events would be accepted" in tally("rejected", "replay", name, "--yes").stdout
    tally("rejected", "replay", name, "--yes", "--again")
    assert counted(warehouse, organization) == before + 1001
    warehouse.command(f"ALTER TABLE replays DELETE WHERE rejection_id = '{name}'", settings={"mutations_sync": 1})
    tally("rejected", "replay", name, "--yes")
    assert counted(warehouse, organization) == before + 1001


def _slim(organization: str, number: int) -> bytes:
    """An event without id and time, so that a thousand fit into what is kept of a refused envelope."""
    return json.dumps({"organization": organization, "model": f"m{number % 3}"}).encode()
