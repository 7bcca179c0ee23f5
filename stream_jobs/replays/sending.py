"""Sends events through the collector and marks what became of them: payloads in, rows of `replays` out.

A batch is marked when the collector has answered for it. Who is killed in between sends that batch again the next time:
the events keep their identity, so the workers count them once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import tenacity
from clickhouse_connect.driver.client import Client

from stream_jobs.replays.payloads import Payload
from stream_jobs.replays.verdicts import names
from warehouse.client import WRITE_SETTINGS

BATCH_EVENTS = 500
BATCH_BYTES = 2_000_000
PATIENCE_SECONDS = 60.0
LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
COLUMNS = (
    *("rejection_id", "line", "replayed", "by", "edited", "organization", "event_id"),
    *("outcome", "reason", "partition", "offset", "position"),
)


class CollectorAway(Exception):
    """The collector does not take events now. Send the same again later: nothing is counted twice."""


class CollectorRefused(Exception):
    """The collector understood and refused the whole request, for example the key."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one payload. partition, offset and position are where it stands in the log."""

    payload: Payload
    outcome: str
    reason: str = ""
    partition: int | None = None
    offset: int | None = None
    position: int | None = None


def batches(payloads: Sequence[Payload]) -> Iterator[list[Payload]]:
    """Parts of a size that the collector takes."""
    batch: list[Payload] = []
    size = 0
    for payload in payloads:
        if batch and (len(batch) == BATCH_EVENTS or size + len(payload.text) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(payload)
        size += len(payload.text)
    if batch:
        yield batch


def send(http: httpx.Client, address: str, batch: Sequence[Payload]) -> list[Sent]:
    """Sends one batch and returns when Kafka has it. Raises CollectorAway or CollectorRefused."""
    body = b"\n".join(b" ".join(payload.text.splitlines()) for payload in batch)
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(CollectorAway),
        wait=tenacity.wait_random_exponential(multiplier=0.25, max=5),
        stop=tenacity.stop_after_delay(PATIENCE_SECONDS),
        reraise=True,
    )
    answer = retrying(_post, http, f"{address}/v1/events", body)
    return [_sent(payload, told) for payload, told in zip(batch, answer["events"], strict=True)]


def _post(http: httpx.Client, url: str, body: bytes) -> dict[str, Any]:
    try:
        response = http.post(url, content=body, headers={"content-type": "application/x-ndjson"})
    except httpx.TransportError as failure:
        raise CollectorAway(f"the collector at {url} does not answer: {failure}") from failure
    if response.status_code in LATER:
        raise CollectorAway(f"the collector at {url} answers {response.status_code}: {response.text[:300]}")
    try:
        answer: dict[str, Any] = response.json()
    except ValueError:
        answer = {}
    if "events" not in answer:
        raise CollectorRefused(f"the collector at {url} answers {response.status_code}: {response.text[:300]}")
    return answer


def _sent(payload: Payload, told: dict[str, Any]) -> Sent:
    if told["status"] != "accepted":
        return Sent(payload, "refused", told.get("reason", ""))
    return Sent(payload, "accepted", "", told["partition"], told["offset"], told["position"])


def mark(client: Client, sent: Sequence[Sent], by: str, *, edited: bool) -> None:
    """Stores what became of a batch."""
    now = datetime.now(UTC)
    rows = [
        (
            *(one.payload.rejection_id, one.payload.line, now, by, int(edited), *names(one.payload)),
            *(one.outcome, one.reason, one.partition, one.offset, one.position),
        )
        for one in sent
    ]
    client.insert("replays", rows, column_names=COLUMNS, settings=WRITE_SETTINGS)
