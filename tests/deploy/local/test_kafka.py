"""Kafka's settings file and topics as they are asked for."""

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from deploy.errors import WrongSetting
from deploy.local.home import Home
from deploy.local.installation import Installation
from deploy.local.kafka import broker, topics
from deploy.local.settings import LocalSettings


def settings(**given: object) -> LocalSettings:
    return LocalSettings.load(Path("/nonexistent"), **given)


def test_the_settings_file_has_the_ports_and_the_retention() -> None:
    text = broker.server_properties(Home(Path("/home/x")), settings(port_base=9700, retention_days=2))
    assert "listeners=PLAINTEXT://127.0.0.1:9705,CONTROLLER://127.0.0.1:9706\n" in text
    assert "log.retention.ms=172800000\n" in text
    assert "log.dirs=/home/x/kafka/data\n" in text
    assert "$" not in text


def test_topics_and_their_settings() -> None:
    chosen = settings(partitions=4, retention_days=1)
    assert topics.topics(chosen) == [
        topics.Topic("usage.events", 4),
        topics.Topic("usage.rejected", 1),
        topics.Topic("usage.alerts", 1),
    ]
    asked = topics.new_topic(topics.Topic("usage.events", 4), chosen)
    assert (asked.num_partitions, asked.replication_factor) == (4, 1)
    assert asked.config == {
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": "86400000",
        "max.message.bytes": "1048576",
        "compression.type": "producer",
    }


@pytest.mark.integration
def test_creating_topics_again_changes_nothing(installation: Installation) -> None:
    assert topics.create(installation.plan.kafka_bootstrap, installation.settings) == []


@pytest.mark.integration
def test_another_partition_count_is_refused(installation: Installation) -> None:
    wanted = settings(partitions=installation.settings.partitions + 1)
    with pytest.raises(WrongSetting, match=r"usage\.events has 8 partitions, TALLY_PARTITIONS says 9"):
        topics.create(installation.plan.kafka_bootstrap, wanted)


@pytest.mark.integration
def test_topics_have_their_partitions_on_the_broker(installation: Installation) -> None:
    admin: AdminClient = topics.client(installation.plan.kafka_bootstrap)
    found = admin.list_topics(timeout=10).topics
    assert len(found["usage.events"].partitions) == installation.settings.partitions
