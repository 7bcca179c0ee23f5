"""Faust's Kafka consumer, made to start where the warehouse says instead of where Kafka's commit says.

Faust calls perform_seek after every assignment while nothing flows, and sometimes twice; a seek at any other place is
undone or swallows records. When it takes longer than broker_request_timeout Faust's recovery ends for good and nothing
flows any more, without a word: then the process leaves before that. The worker also checks that offsets follow each
other.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from faust.transport.drivers.aiokafka import Consumer

from stream_jobs.worker.resume import Resume

log = structlog.get_logger()
SHARE_OF_TIMEOUT = 0.7


def resuming_consumer(
    topic: str,
    positions: Callable[[int, list[int]], Resume],
    assigned: Callable[[Resume], None],
    revoked: Callable[[], None],
    leave: Callable[[str, BaseException], None],
) -> type[Any]:
    """The consumer class for one worker.

    positions (blocking): generation and Kafka partitions to where to resume. assigned: told the result. revoked: told
    that a rebalance waits for acknowledgements. leave: ends the process.
    """

    class ResumingConsumer(Consumer):
        async def perform_seek(self) -> None:
            try:
                async with asyncio.timeout(SHARE_OF_TIMEOUT * self.app.conf.broker_request_timeout):
                    await self._seek_to_progress()
            except TimeoutError as late:
                leave("finding out where to resume took too long", late)

        async def _seek_to_progress(self) -> None:
            places = {place.partition: place for place in self.assignment() if place.topic == topic}
            if not places:
                return
            resume = await asyncio.to_thread(positions, self.app.consumer_generation_id, sorted(places))
            for partition, reason in resume.refused.items():
                applied = resume.progress[partition].applied_offset
                log.error("partition refused", partition=partition, offset=applied, reason=reason)
            self.pause_partitions([places[partition] for partition in resume.refused])
            wanted = {
                place: resume.progress[partition].applied_offset + 1
                for partition, place in places.items()
                if partition not in resume.refused
            }
            if wanted:
                await self._thread.seek_wait(wanted)
            for place, offset in wanted.items():
                # Faust drops what lies below the one and ignores acknowledgements below the other.
                self._read_offset[place] = self._committed_offset[place] = offset or None
            assigned(resume)
            log.info("resuming", generation=resume.generation, offsets={p.partition: o for p, o in wanted.items()})

        async def on_partitions_revoked(self, revoked_partitions: Any) -> None:
            revoked()
            await super().on_partitions_revoked(revoked_partitions)

    return ResumingConsumer


def rejoin(consumer: Any) -> None:
    """Enters the group anew, from any thread; the broker shares all partitions out when its leader does.

    Does nothing in a process that has still to enter the group for the first time.
    """
    thread = consumer._thread
    coordinator = getattr(thread._consumer, "_coordinator", None)  # None until the consumer is started
    if coordinator is not None:
        thread.thread_loop.call_soon_threadsafe(coordinator.request_rejoin)
