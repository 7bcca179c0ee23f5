"""Faust's settings for a worker, each found right by measurement: consumer and agent shell, nothing else."""

from collections.abc import Awaitable, Callable

import faust

from stream_jobs.worker.settings import WorkerSettings

FETCH_BYTES = 2 << 20
REBALANCE_SECONDS = 60
REQUEST_SECONDS = 65
POLL_SECONDS = 86_400
"""How long a worker may go without fetching, as it does while the warehouse is away; hanging is noticed otherwise."""


def faust_app(settings: WorkerSettings, before_stop: Callable[[], Awaitable[None]]) -> faust.App:
    """An app without topics, agents or tables; a member of the group under a name of its own, so that a restart is no
    rebalance. Makes its data folder. before_stop is awaited when it is told to stop, while everything still works."""
    data_folder = settings.home / "faust" / settings.name
    data_folder.mkdir(parents=True, exist_ok=True)

    class DrainingApp(faust.App):  # type: ignore[misc, unused-ignore]
        async def on_stop(self) -> None:
            await before_stop()
            await super().on_stop()

    return DrainingApp(
        settings.consumer_group,
        broker=f"kafka://{settings.kafka_bootstrap}",
        datadir=str(data_folder),
        store="memory://",
        value_serializer="raw",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_group_instance_id=settings.member_id,
        stream_buffer_maxsize=settings.take_envelopes,
        broker_commit_interval=1,
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=settings.session_seconds / 10,
        broker_rebalance_timeout=REBALANCE_SECONDS,
        broker_request_timeout=REQUEST_SECONDS,
        broker_max_poll_interval=POLL_SECONDS,
    )
