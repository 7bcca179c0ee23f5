"""Members of a consumer group that will not come back: static ids in, a group without them out."""

import asyncio
import logging
from collections.abc import Collection

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest
from confluent_kafka import KafkaException

from deploy.local.kafka import topics

LOG = logging.getLogger("consumer group")
ANSWER_SECONDS = 10.0


def remove(bootstrap: str, group: str, instance_ids: Collection[str]) -> int:
    """Takes members out of the group, so that the others get their partitions at once and not when the session ends.

    Returns how many there were. A broker that does not answer changes nothing: then the session's end does it.
    """
    try:
        gone = _member_ids(bootstrap, group, instance_ids)
        if gone:
            asyncio.run(_leave(bootstrap, group, gone))
    except (KafkaException, KafkaError, TimeoutError) as failure:
        LOG.warning("removed workers stay in group %s until their session ends: %s", group, failure)
        return 0
    return len(gone)


def _member_ids(bootstrap: str, group: str, instance_ids: Collection[str]) -> list[str]:
    client = topics.client(bootstrap)
    described = client.describe_consumer_groups([group], request_timeout=ANSWER_SECONDS)[group].result(ANSWER_SECONDS)
    return [member.member_id for member in described.members if member.group_instance_id in instance_ids]


async def _leave(bootstrap: str, group: str, member_ids: list[str]) -> None:
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.bootstrap()
            coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
            await client.ready(coordinator)
            for member_id in member_ids:
                await client.send(coordinator, LeaveGroupRequest(group, member_id))
    finally:
        await client.close()
