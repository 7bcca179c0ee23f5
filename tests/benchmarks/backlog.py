"""A topic filled with events before anything reads it, as the collector packs them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import polars as pl
from confluent_kafka import Producer

from deploy.local.installation import Installation
from producers.envelopes.envelope import encode_envelope
from producers.synthetic.load import ENVELOPE_EVENTS, frames
from tests.benchmarks.lines import ndjson_of
from tokentally.envelope import ARROW_STREAM, HEADER_CONTENT_TYPE, NDJSON

SEED = 1
SPAN = timedelta(minutes=30)
FLUSH_EVERY = 100


def preload(
    installation: Installation,
    events: int,
    kind: str,
    *,
    envelope_events: int = ENVELOPE_EVENTS,
    start: datetime | None = None,
) -> int:
    """Fills the events topic with synthetic events of the half hour from `start` (default: the one just past).

    Returns the number of envelopes.
    """
    start = start or datetime.now(UTC) - SPAN - timedelta(minutes=5)
    return produce(
        installation,
        frames(SEED, events, installation.settings.partitions, start=start, envelope_events=envelope_events),
        kind,
    )


def produce(installation: Installation, envelopes: Iterable[tuple[int, pl.DataFrame]], kind: str) -> int:
    """Sends frames to their partitions, one message each. Returns their number."""
    producer = Producer({"bootstrap.servers": installation.plan.kafka_bootstrap, "enable.idempotence": True})
    count = 0
    for partition, frame in envelopes:
        value, content_type = packed(frame, kind)
        headers: list[tuple[str, str | bytes | None]] = [(HEADER_CONTENT_TYPE, content_type.encode())]
        producer.produce(installation.settings.events_topic, value, partition=partition, headers=headers)
        count += 1
        if count % FLUSH_EVERY == 0:
            producer.flush(60)
    if producer.flush(60):
        raise SystemExit("Kafka did not take the whole backlog within a minute")
    return count


def packed(frame: pl.DataFrame, kind: str) -> tuple[bytes, str]:
    """One envelope and its content type: as the collector writes it (arrow), or as a foreign producer would."""
    return (encode_envelope(frame), ARROW_STREAM) if kind == "arrow" else (ndjson_of(frame), NDJSON)
