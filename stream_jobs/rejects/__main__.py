"""`python -m stream_jobs.rejects`: consumes usage.rejected and stores it.

Records are stored before their place is noted in the warehouse, which says where to resume; storing one twice changes
nothing. Kafka's commit is for displays of lag.
"""

import signal
from types import FrameType
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream_jobs.logs import log_as_json
from stream_jobs.rejects.places import Places
from stream_jobs.rejects.rows import Record, rejected_rows
from stream_jobs.worker.arrival import arrived
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from warehouse.settings import WarehouseSettings

log = structlog.get_logger()
BATCH_RECORDS = 500
WAIT_SECONDS = 1.0
IDLE_TURNS_PER_CHECK = 5
ANSWER_SECONDS = 15
"""Below the watchdog's patience: each attempt that ends without an answer moves the beat."""


def consume(consumer: Any, sink: Sink, places: Places, beat: Beat, running: list[bool]) -> None:
    """Stores batch after batch until `running` is empty. Raises KafkaException for anything but a passing error, and
    WarehouseSetBack."""
    turns = 0
    while running:
        records = []
        messages = consumer.consume(BATCH_RECORDS, WAIT_SECONDS)
        for message in messages:
            if message.error() is not None:
                if message.error().retriable() or message.error().code() < 0:
                    log.warning("waiting for kafka", reason=str(message.error()))
                    continue
                raise KafkaException(message.error())
            place = f"{message.topic()}-{message.partition()}-{message.offset()}"
            records.append(Record(message.value() or b"", place, message.timestamp()[1]))
        turns += 1
        if records or turns % IDLE_TURNS_PER_CHECK == 0:
            places.check()
        if records:
            after = _after(messages)
            sink.insert("rejected", rejected_rows(records))
            places.write({place.partition: place.offset for place in after})
            consumer.commit(offsets=after, asynchronous=False)
        beat.move()
        beat.write({})
        beat.ready()


def _after(messages: list[Any]) -> list[TopicPartition]:
    tops = {(m.topic(), m.partition()): m.offset() + 1 for m in messages if m.error() is None}
    return [TopicPartition(topic, partition, offset) for (topic, partition), offset in tops.items()]


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    log_as_json()
    settings = WorkerSettings()
    running = [True]

    def stop(_signal: int, _frame: FrameType | None) -> None:
        running.clear()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    beat = Beat(settings.run_folder, "rejects")
    beat.write_for_ever()
    client = arrived(beat, WarehouseSettings(receive_timeout_seconds=ANSWER_SECONDS))
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": f"{settings.consumer_group}.rejects",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    sink = Sink(client, beat)
    places = Places(sink, settings.rejected_topic)
    consumer.subscribe([settings.rejected_topic], on_assign=places.assigned)
    try:
        consume(consumer, sink, places, beat, running)
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
