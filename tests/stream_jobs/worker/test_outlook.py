"""What the witness outside sees: log ends, the place in the group, and who does not answer."""

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException

from stream_jobs.worker import outlook as module
from stream_jobs.worker.liveness import Standing
from stream_jobs.worker.outlook import LogEnd, Outlook
from stream_jobs.worker.settings import WorkerSettings

MINE, OTHER = "tokentally.workers-worker-1", "tokentally.workers-worker-0"


class FakeAdmin:
    """A broker with a group; `failure` makes it silent."""

    def __init__(self, _settings: object) -> None:
        self.state = ConsumerGroupState.STABLE
        self.members: dict[str, list[int]] = {MINE: [1], OTHER: [0]}
        self.failure: Exception | None = None
        self.partitions = 2
        self.rejoins: list[str] = []

    def answer(self, value: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.failure:
            future.set_exception(self.failure)
        else:
            future.set_result(value)
        return future

    def list_offsets(self, asked: dict[Any, Any], request_timeout: float) -> dict[Any, Future[Any]]:
        return {place: self.answer(SimpleNamespace(offset=7 + place.partition, timestamp=1_000)) for place in asked}

    def describe_topics(self, topics: Any, request_timeout: float) -> dict[str, Future[Any]]:
        partitions = [SimpleNamespace(id=number) for number in range(self.partitions)]
        return {name: self.answer(SimpleNamespace(partitions=partitions)) for name in topics.topic_names}

    def describe_consumer_groups(self, names: list[str], request_timeout: float) -> dict[str, Future[Any]]:
        members = [
            SimpleNamespace(
                group_instance_id=name,
                assignment=SimpleNamespace(topic_partitions=[SimpleNamespace(partition=n) for n in partitions]),
            )
            for name, partitions in self.members.items()
        ]
        return {name: self.answer(SimpleNamespace(state=self.state, members=members)) for name in names}


def refuses() -> None:
    raise ConnectionRefusedError


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outlook:
    monkeypatch.setattr(module, "asking_client", FakeAdmin)
    settings = WorkerSettings(home=tmp_path, worker_id=1)
    outlook = Outlook(
        settings,
        refuses,
        lambda _what, failure: pytest.fail(str(failure)),
        lambda: admin(outlook).rejoins.append("rejoin"),
    )
    return outlook


def admin(seen: Outlook) -> FakeAdmin:
    return cast(FakeAdmin, seen._admin)


def test_log_ends_of_the_wanted_partitions(seen: Outlook) -> None:
    seen.wanted = frozenset({1, 3})
    seen.look(0.0)
    assert seen.ends == {1: LogEnd(8, 1_000), 3: LogEnd(10, 1_000)}
    assert seen.answers.kafka


@pytest.mark.parametrize(
    ("members", "standing"),
    [
        ({MINE: [1], OTHER: [0]}, Standing.MEMBER),
        ({MINE: [], OTHER: [0, 1]}, Standing.STANDBY),
        ({OTHER: [0, 1]}, Standing.STRANGER),
    ],
)
def test_the_place_in_a_settled_group(seen: Outlook, members: dict[str, list[int]], standing: Standing) -> None:
    admin(seen).members = members
    seen.look(0.0)
    assert seen.answers.standing is standing


def test_e28_how_long_a_rebalance_lasts_is_measured_from_the_last_time_that_there_was_none(seen: Outlook) -> None:
    seen.look(100.0)
    admin(seen).state = ConsumerGroupState.PREPARING_REBALANCING
    for now, lasts in ((102.0, 2.0), (160.0, 60.0)):
        seen.look(now)
        assert (seen.answers.standing, seen.answers.rebalancing_seconds) == (Standing.REBALANCING, lasts)
    admin(seen).failure = KafkaException(KafkaError(KafkaError._TRANSPORT))
    seen.look(500.0)
    admin(seen).failure = None
    seen.look(502.0)
    assert seen.answers.rebalancing_seconds == 2.0


@pytest.mark.parametrize("failure", [KafkaException(KafkaError(KafkaError._TRANSPORT)), TimeoutError("silent")])
def test_a_broker_that_does_not_answer_is_told_with_its_reason(seen: Outlook, failure: Exception) -> None:
    admin(seen).failure = failure
    seen.look(0.0)
    assert not seen.answers.kafka
    assert seen.answers.why == str(failure)


def test_the_warehouse_is_asked_only_while_a_statement_is_open(seen: Outlook) -> None:
    seen.look(0.0)
    assert seen.answers.warehouse
    seen.ask_warehouse = True
    seen.look(2.0)
    assert not seen.answers.warehouse


def test_e8_partitions_that_nobody_has_are_shared_out_again(seen: Outlook) -> None:
    seen.look(98.0)
    admin(seen).members = {MINE: [], OTHER: []}
    for now in (100.0, 102.0, 103.0):
        seen.look(now)
    assert admin(seen).rejoins == []
    for now in (104.0, 106.0, 110.0):
        seen.look(now)
    assert admin(seen).rejoins == ["rejoin", "rejoin"]


def test_a_group_that_has_everything_or_is_settling_is_left_alone(seen: Outlook) -> None:
    seen.look(100.0)
    admin(seen).state = ConsumerGroupState.COMPLETING_REBALANCING
    seen.look(150.0)
    admin(seen).state, admin(seen).partitions = ConsumerGroupState.STABLE, 3
    seen.look(152.0)
    assert admin(seen).rejoins == []
