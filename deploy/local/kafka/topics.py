"""Kafka's topics, made explicitly: names, partition counts and settings in, topics out."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from deploy.errors import ServiceFailed, WrongSetting
from deploy.local.settings import LocalSettings

MS_PER_DAY = 86_400_000
ANSWER_SECONDS = 20.0
LARGEST_MESSAGE_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that must exist."""

    name: str
    partitions: int


def topics(settings: LocalSettings) -> list[Topic]:
    """The topics of an installation. Events have as many partitions as the hash is taken modulo of."""
    return [
        Topic(settings.events_topic, settings.partitions),
        Topic(settings.rejected_topic, 1),
        Topic(settings.alerts_topic, 1),
    ]


def create(bootstrap: str, settings: LocalSettings) -> list[str]:
    """Creates the missing topics and returns their names.

    Raises WrongSetting when an existing topic has another partition count: events of one organization would
    land in two partitions. Raises ServiceFailed when Kafka refuses.
    """
    admin = client(bootstrap)
    existing = admin.list_topics(timeout=ANSWER_SECONDS).topics
    for topic in topics(settings):
        found = len(existing[topic.name].partitions) if topic.name in existing else topic.partitions
        if found != topic.partitions:
            raise WrongSetting(
                f"topic {topic.name} has {found} partitions, TALLY_PARTITIONS says {topic.partitions}: "
                f"the count of a topic never changes, set TALLY_PARTITIONS={found}"
            )
    kept = [topic for topic in topics(settings) if topic.name in existing]
    missing = [topic for topic in topics(settings) if topic.name not in existing]
    # The client must outlive its futures: without a reference it is collected and they never end.
    if kept:
        finish(admin.incremental_alter_configs([retention(topic, settings) for topic in kept]))
    if missing:
        finish(admin.create_topics([new_topic(topic, settings) for topic in missing]))
    return [topic.name for topic in missing]


def finish(futures: Mapping[Any, Future[Any]]) -> None:
    """Waits for Kafka's answers. Raises ServiceFailed at the first refusal."""
    for subject, future in futures.items():
        try:
            future.result(timeout=ANSWER_SECONDS)
        except (KafkaException, TimeoutError) as refusal:
            raise ServiceFailed(f"Kafka did not accept topic {subject}: {refusal}") from refusal


def retention(topic: Topic, settings: LocalSettings) -> ConfigResource:
    """The one setting of an existing topic that may change later."""
    entry = ConfigEntry("retention.ms", retention_ms(settings), incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=[entry])


def retention_ms(settings: LocalSettings) -> str:
    """How long Kafka keeps a topic's messages, as Kafka writes it."""
    return str(settings.retention_days * MS_PER_DAY)


def new_topic(topic: Topic, settings: LocalSettings) -> NewTopic:
    """Kafka's description of one of ours: LogAppendTime, kept for the set time, codec left to the producer."""
    config = {
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": retention_ms(settings),
        "max.message.bytes": str(LARGEST_MESSAGE_BYTES),
        "compression.type": "producer",
    }
    return NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=1, config=config)


def client(bootstrap: str) -> AdminClient:
    """An administration client that is silent about connections it retries."""
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 10_000})
