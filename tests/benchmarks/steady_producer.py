"""Puts Arrow envelopes into the events topic at a steady rate, each when its last event happens, as the collector does.

Run by the soak: python -m tests.benchmarks.steady_producer BOOTSTRAP TOPIC PARTITIONS RATE SECONDS.
"""

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from confluent_kafka import Producer

from producers.envelopes.envelope import encode_envelope
from producers.synthetic.load import frames
from tokentally.envelope import ARROW_STREAM, HEADER_CONTENT_TYPE

SEED = 3
ENVELOPE_SECONDS = 0.1
"""The collector closes an envelope after this time at the latest."""
PART_SECONDS = 2
Due = tuple[float, int, bytes]
"""When to send (Unix seconds), partition, envelope."""


def main(bootstrap: str, topic: str, partitions: int, rate: int, seconds: int) -> None:
    """Makes each part while the one before it is sent. Prints how far it fell behind its plan."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5})
    headers: list[tuple[str, str | bytes | None]] = [(HEADER_CONTENT_TYPE, ARROW_STREAM.encode())]
    began, behind = time.time() + PART_SECONDS, 0.0
    parts = seconds // PART_SECONDS
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(part_of, rate, partitions, began, SEED)
        for part in range(parts):
            envelopes = following.result()
            following = pool.submit(part_of, rate, partitions, began + (part + 1) * PART_SECONDS, SEED + part + 1)
            for due, partition, envelope in envelopes:
                behind = max(behind, time.time() - due)
                time.sleep(max(0.0, due - time.time()))
                producer.produce(topic, envelope, partition=partition, headers=headers)
                producer.poll(0)
    producer.flush(60)
    print(f"{parts * PART_SECONDS * rate} events, at most {behind:.2f} s behind the plan", flush=True)


def part_of(rate: int, partitions: int, start: float, seed: int) -> list[Due]:
    """The envelopes of the two seconds from `start`, in the order of their being full; none is due before."""
    made = frames(
        seed,
        rate * PART_SECONDS,
        partitions,
        start=datetime.fromtimestamp(start, UTC),
        span_seconds=PART_SECONDS,
        envelope_events=max(1, round(rate / partitions * ENVELOPE_SECONDS)),
    )
    envelopes = [(frame["time"].dt.epoch("ms").max(), partition, encode_envelope(frame)) for partition, frame in made]
    return sorted(
        (max(start, newest / 1000), partition, envelope)
        for newest, partition, envelope in envelopes
        if isinstance(newest, int)
    )


if __name__ == "__main__":
    bootstrap, topic, partitions, rate, seconds = sys.argv[1:]
    main(bootstrap, topic, int(partitions), int(rate), int(seconds))
