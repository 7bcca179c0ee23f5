"""One contract for the log, kept by the fake and by real Kafka."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.local.installation import Installation
from producers.collector.event_log import EventLog, Position, Record
from producers.collector.fake_log import FakeLog
from producers.collector.kafka_log import KafkaLog
from producers.errors import KafkaUnavailable

TOPIC = "usage.rejected"
Scenario = Callable[[EventLog], Awaitable[None]]
Run = Callable[[Scenario], None]


@pytest.fixture(params=["fake", pytest.param("kafka", marks=pytest.mark.integration)])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a scenario on a started log, and closes it."""
    make: Callable[[], EventLog] = FakeLog
    if request.param == "kafka":
        installation: Installation = request.getfixturevalue("installation")
        make = lambda: kafka_log(installation.environment()["TALLY_KAFKA_BOOTSTRAP"])  # noqa: E731

    async def lived(scenario: Scenario) -> None:
        log = make()
        await log.start()
        await until(lambda: log.unavailable() is None)
        await scenario(log)
        await log.close()

    return lambda scenario: asyncio.run(lived(scenario))


def kafka_log(bootstrap: str, **topics: int) -> KafkaLog:
    return KafkaLog(bootstrap, topics or {TOPIC: 0}, delivery_seconds=2, on_fatal=pytest.fail)


async def until(condition: Callable[[], bool]) -> None:
    """Fails after ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the thread that changes it knows no event loop
            await asyncio.sleep(0.01)


def test_a_record_is_acknowledged_with_its_position(run: Run) -> None:
    async def scenario(log: EventLog) -> None:
        first, second = [await log.append(Record(TOPIC, b"x", 0)) for _ in range(2)]
        assert isinstance(first, Position)
        assert second == Position(0, first.offset + 1)

    run(scenario)


def test_records_sent_together_keep_their_order(run: Run) -> None:
    async def scenario(log: EventLog) -> None:
        outcomes = await asyncio.gather(*(log.append(Record(TOPIC, b"%d" % n, 0)) for n in range(50)))
        offsets = [outcome.offset for outcome in outcomes if isinstance(outcome, Position)]
        assert offsets == list(range(offsets[0], offsets[0] + 50))

    run(scenario)


def test_any_partition_will_do_when_none_is_given(run: Run) -> None:
    async def scenario(log: EventLog) -> None:
        assert isinstance(await log.append(Record(TOPIC, b"x")), Position)

    run(scenario)


def test_the_fake_can_be_away() -> None:
    async def scenario() -> None:
        log = FakeLog()
        log.away = "gone"
        assert log.unavailable() == "gone"
        assert isinstance(await log.append(Record(TOPIC, b"x", 0)), KafkaUnavailable)

    asyncio.run(scenario())


def test_without_a_broker_records_fail_in_time_and_the_log_says_so() -> None:
    async def scenario() -> None:
        # Port 9 answers nothing; delivery_seconds is 2.
        log = kafka_log("127.0.0.1:9")
        await log.start()
        assert log.unavailable() is not None
        outcome = await asyncio.wait_for(log.append(Record(TOPIC, b"x", 0)), 10)
        assert isinstance(outcome, KafkaUnavailable)
        await log.close()

    asyncio.run(scenario())


@pytest.mark.integration
def test_a_topic_with_another_number_of_partitions_is_not_written_to(installation: Installation) -> None:
    async def scenario() -> None:
        log = kafka_log(installation.environment()["TALLY_KAFKA_BOOTSTRAP"], **{"usage.events": 7})
        await log.start()
        await until(lambda: "the setting says 7" in (log.unavailable() or ""))
        await log.close()

    asyncio.run(scenario())


@pytest.mark.integration
def test_key_and_headers_arrive(installation: Installation) -> None:
    bootstrap = installation.environment()["TALLY_KAFKA_BOOTSTRAP"]
    stored: list[Position] = []

    async def scenario() -> None:
        log = kafka_log(bootstrap)
        await log.start()
        outcome = await log.append(Record(TOPIC, b"value", 0, b"acme", "text/x-test"))
        assert isinstance(outcome, Position)
        stored.append(outcome)
        await log.close()

    asyncio.run(scenario())
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test"})
    consumer.assign([TopicPartition(TOPIC, 0, stored[0].offset)])
    [message] = consumer.consume(1, 10)
    consumer.close()
    assert (message.key(), message.value()) == (b"acme", b"value")
    assert message.headers() == [("content-type", b"text/x-test")]
