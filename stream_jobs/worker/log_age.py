"""How old a message can become: topics in, by when Kafka's retention has removed what arrives now out."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

log = structlog.get_logger()
ANSWER_SECONDS: Final = 10.0
LOOKED_FOR: Final = timedelta(minutes=10)
"""Kafka looks every five minutes for what is too old, and removes the files a minute later."""
FOREVER: Final = "-1"


def kept_for(admin: AdminClient, topics: Sequence[str]) -> timedelta | None:
    """How long after its arrival these topics have a message at most. None: for ever, or Kafka does not tell."""
    asked = [ConfigResource(ResourceType.TOPIC, topic) for topic in topics]
    try:
        answers = [future.result(ANSWER_SECONDS) for future in admin.describe_configs(asked).values()]
    except (KafkaException, TimeoutError) as failure:
        log.warning("kafka does not tell how long it keeps messages", reason=str(failure)[:300])
        return None
    ages = [longest({name: entry.value for name, entry in answer.items()}) for answer in answers]
    return None if None in ages else max(age for age in ages if age is not None)


def longest(settings: Mapping[str, str | None]) -> timedelta | None:
    """The same for a topic with these settings. A file goes once its newest message is too old, and takes messages for
    the time of `segment.ms`."""
    retention, segment = settings.get("retention.ms"), settings.get("segment.ms")
    if not retention or not segment or retention == FOREVER or "delete" not in (settings.get("cleanup.policy") or ""):
        return None
    return timedelta(milliseconds=int(retention) + int(segment)) + LOOKED_FOR
