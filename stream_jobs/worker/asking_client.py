"""A client that asks the broker about log and group, beside the one that consumes."""

from typing import Final

from confluent_kafka.admin import AdminClient

METADATA_MS: Final = 2000
"""How long what is known of the log's leaders is believed. A broker that came back refuses questions about offsets that
name its former epoch, and the client goes on naming it until its metadata is too old: 15 minutes by default."""


def asking_client(bootstrap: str) -> AdminClient:
    """To be kept for the life of the process: futures of a dropped client never complete."""
    return AdminClient(
        {
            "bootstrap.servers": bootstrap,
            "log_level": 0,
            "metadata.max.age.ms": METADATA_MS,
            "topic.metadata.refresh.interval.ms": METADATA_MS,
        }
    )
