"""A bare librdkafka consumer that hands NDJSON to ClickHouse's own parser in its own process: no HTTP, no exactness.

Run: python -m tests.benchmarks.peers.bare_consumer BOOTSTRAP TOPIC PARTITIONS FOLDER.
"""

import sys
from pathlib import Path

import zstandard
from confluent_kafka import Consumer

from tests.benchmarks.peers.bare_tables import statements
from tests.benchmarks.peers.work import Counter
from warehouse.embedded.engine import EngineConnection

BATCH_ROWS = 131_072
MESSAGES = 64
SETTINGS = {
    "optimize_on_insert": "0",
    "parallel_view_processing": "1",
    "date_time_input_format": "best_effort",
    "input_format_skip_unknown_fields": "1",
    "max_partitions_per_insert_block": "0",
}


def main(bootstrap: str, topic: str, folder: str) -> None:
    """Counts until it is stopped."""
    engine = EngineConnection(str(Path(folder, "engine")), SETTINGS)
    for statement in statements():
        engine.text(statement)
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "peer-bare",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "queued.max.messages.kbytes": 131_072,
        }
    )
    consumer.subscribe([topic])
    counter = Counter(folder)
    counter.start()
    blocks: list[bytes] = []
    rows = 0
    while True:
        messages = [message.value() for message in consumer.consume(MESSAGES, timeout=0.5)]
        for value in messages:
            block = zstandard.decompress(value or b"") + b"\n"
            blocks.append(block)
            rows += block.count(b"\n")
        if rows >= BATCH_ROWS or (rows and not messages):
            engine.insert(b"INSERT INTO events", "JSONEachRow", blocks)
            consumer.commit(asynchronous=True)
            counter.count += rows
            blocks, rows = [], 0


if __name__ == "__main__":
    bootstrap, topic, _partitions, folder = sys.argv[1:]
    main(bootstrap, topic, folder)
