"""Rule E28: a worker that hangs, in whatever way, is noticed from outside and replaced, and nothing is lost."""

import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psutil
import pytest
from confluent_kafka import Producer

from deploy.local.installation import Installation
from deploy.local.told import Told
from tests.conftest import free_port_base
from tests.running import client_of, until
from tokentally.partition import partition_of

pytestmark = pytest.mark.chaos
KINDS = {"worker-0": "loop", "worker-1": "agent", "worker-2": "thread", "worker-3": "stopped"}
PARTITIONS = len(KINDS)
SECONDS = 180.0
"""Four starts at once take their time; the benchmark of recovery measures one."""
WITHOUT = ("superset", "collector", "api", "rejects")
WAYS = {home: name for name in (f"frozen-{n}" for n in range(100)) if (home := partition_of(name, PARTITIONS)) >= 0}
"""An organisation of each partition."""


@pytest.fixture
def four(tmp_path: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Four workers that hang on demand, one partition each."""
    home = tmp_path_factory.mktemp("home")
    made = Installation(home, port_base=free_port_base(), workers=len(KINDS), partitions=PARTITIONS)
    command = [sys.executable, "-m", "tests.chaos.freezing_worker"]
    try:
        made.up(without=(*WITHOUT, "worker"))
        services = made.plan.services()
        made.supervisor.start([replace(s, command=command) if s.name in KINDS else s for s in services])
        for name in KINDS:
            made.supervisor.start_service(name)
        yield made
    finally:
        made.down()


def pids(installation: Installation) -> dict[str, int]:
    return {name: state.pid for name, state in installation.supervisor.states().items()}


def ready(installation: Installation, name: str) -> bool:
    told = Told.read(installation.home.run, name, pids(installation)[name])
    return told is not None and told.ready and len(told.partitions) > 0


def send(producer: Producer, installation: Installation) -> int:
    """One event to each partition; returns how many."""
    for partition, organization in WAYS.items():
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        event = {"event_id": str(uuid.uuid4()), "time": moment, "organization": organization, "provider": "openai"}
        value = json.dumps({**event, "model": "gpt-4o", "input_tokens": 1}).encode()
        producer.produce(installation.settings.events_topic, value, partition=partition)
    producer.flush(30)
    return len(WAYS)


def test_e28_a_frozen_worker_is_noticed_from_outside_and_replaced(four: Installation) -> None:
    until("every worker has a partition", lambda: all(ready(four, name) for name in KINDS), seconds=SECONDS)
    producer = Producer({"bootstrap.servers": four.plan.kafka_bootstrap})
    sent = send(producer, four)
    before = pids(four)
    for name, kind in KINDS.items():
        if kind == "stopped":
            psutil.Process(before[name]).suspend()
        else:
            (four.home.run / f"{name}.freeze").write_text(kind)

    def all_replaced() -> bool:
        nonlocal sent
        sent += send(producer, four)
        now = pids(four)
        return all(now[name] not in (0, before[name]) and ready(four, name) for name in KINDS)

    until("every frozen worker is replaced", all_replaced, seconds=SECONDS)
    assert not any((four.home.run / f"{name}.freeze").exists() for name in KINDS)
    unaffected = {"kafka", "warehouse", "watchdog"}
    assert {name: pid for name, pid in pids(four).items() if name in unaffected} == {
        name: pid for name, pid in before.items() if name in unaffected
    }
    client = client_of(four)
    counted = "SELECT sum(requests) FROM usage_daily WHERE organization LIKE 'frozen-%'"
    until("everything is counted once", lambda: int(client.query(counted).result_rows[0][0]) == sent)
