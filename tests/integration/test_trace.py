"""`./tally trace` against a real installation: counted, copied, refused, on its way, and unknown."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from deploy.local.installation import Installation
from tests.running import Tally, until
from tokentally.partition import partition_of

pytestmark = pytest.mark.integration
ORGANIZATION = "traced"


def event(event_id: str, **more: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "organization": ORGANIZATION,
        "provider": "openai",
        "model": "gpt-4o",
        "user_id": "ada",
        "input_tokens": 1000,
        "output_tokens": 100,
        **more,
    }


@pytest.fixture
def home(installation: Installation) -> int:
    return partition_of(ORGANIZATION, installation.settings.partitions)


def send(installation: Installation, partition: int, *events: dict[str, Any]) -> int:
    """One envelope; its offset."""
    offsets: list[int] = []
    producer = Producer({"bootstrap.servers": installation.plan.kafka_bootstrap})
    producer.produce(
        installation.settings.events_topic,
        "\n".join(json.dumps(each) for each in events).encode(),
        partition=partition,
        on_delivery=lambda _, message: offsets.append(message.offset() or 0),
    )
    producer.flush(30)
    return offsets[0]


def applied(warehouse: Client, partition: int) -> int:
    asked = "SELECT max(applied_offset) FROM partition_progress WHERE src_partition = {partition:UInt16}"
    found = warehouse.query(asked, parameters={"partition": partition}).result_rows
    return int(found[0][0]) if found else -1


def traced(tally: Tally, *arguments: str, status: int = 0) -> dict[str, Any]:
    result = tally("trace", *arguments, "--format", "json", check=False)
    assert result.returncode == status, result.stdout + result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_a_counted_event_with_its_copies_price_and_rows(
    installation: Installation, tally: Tally, warehouse: Client, home: int
) -> None:
    name, wrong = str(uuid.uuid4()), (home + 1) % installation.settings.partitions
    sent = event(name)
    first = send(installation, home, event(str(uuid.uuid4())), sent)
    again = send(installation, home, sent)
    strayed = send(installation, wrong, sent)
    until("all is applied", lambda: applied(warehouse, home) > again and applied(warehouse, wrong) >= strayed)
    answer = traced(tally, name.upper(), "--scan-log")
    assert answer["verdict"] == "counted"
    places = {(place["partition"], place["offset"], place["index"]): place["outcome"] for place in answer["places"]}
    assert places[home, first, 1] == "accepted"
    assert places[home, again, 0] == "duplicate"
    assert places[wrong, strayed, 0] == "misrouted"
    (counted,) = answer["counted"]
    assert counted["event"]["cost_usd"] == "0.003500000"
    assert counted["event"]["cost_status"] == "priced"
    assert {(row["table"], row["grain"]) for row in counted["rows"]} >= {("rollup", "quarter")}
    assert all(row["offset"] >= first for row in counted["rows"])
    assert {period["grain"] for period in counted["periods"]} == {"day", "week"}
    assert "Counted once, for traced" in tally("trace", name).stdout


def test_a_key_of_the_sender(installation: Installation, tally: Tally, warehouse: Client, home: int) -> None:
    name = f"call-{uuid.uuid4().hex}"
    offset = send(installation, home, event(name))
    until("it is applied", lambda: applied(warehouse, home) >= offset)
    for options in ((), ("--organization", ORGANIZATION)):
        (counted,) = traced(tally, name, *options)["counted"]
        assert (counted["event"]["source_id"], counted["event"]["offset"]) == (name, offset)
    traced(tally, name, "--organization", "another", status=1)


def test_a_refused_event(installation: Installation, tally: Tally, warehouse: Client, home: int) -> None:
    name = str(uuid.uuid4())
    offset = send(installation, home, event(name, input_tokens=-1))

    def stored() -> bool:
        asked = "SELECT count() FROM rejected WHERE event_id = {name:String}"
        return bool(warehouse.query(asked, parameters={"name": name}).result_rows[0][0])

    until("the refusal is stored", stored)
    answer = traced(tally, name)
    assert answer["verdict"] == "rejected"
    (refusal,) = answer["refusals"]
    assert (refusal["partition"], refusal["offset"], refusal["index"]) == (home, offset, 0)
    assert "input_tokens" in answer["sentence"]


def test_an_event_on_its_way_and_then_counted(
    installation: Installation, tally: Tally, warehouse: Client, home: int
) -> None:
    name = str(uuid.uuid4())
    workers = [f"worker-{number}" for number in range(installation.settings.workers)]
    installation.supervisor.stop_together(workers, deadline_seconds=60)
    try:
        offset = send(installation, home, event(name))
        answer = traced(tally, name)
        assert answer["verdict"] == "in flight"
        assert [(place["partition"], place["offset"]) for place in answer["places"]] == [(home, offset)]
        answer = traced(tally, name, "--at", f"{home}:{offset}")
        assert (answer["verdict"], answer["envelopes_read"]) == ("in flight", 1)
    finally:
        for worker in workers:
            installation.supervisor.start_service(worker)
            installation.wait_until_ready(worker)
    until("it is applied", lambda: applied(warehouse, home) >= offset)
    assert traced(tally, name)["verdict"] == "counted"


def test_an_event_that_nobody_knows(tally: Tally) -> None:
    answer = traced(tally, str(uuid.uuid4()), status=1)
    assert answer["verdict"] == "unknown"
    assert "--scan-log" in answer["sentence"]
