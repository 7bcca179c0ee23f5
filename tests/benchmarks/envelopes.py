"""What reading and writing an envelope costs: CPU µs per event, for envelopes of 1,000 events of about 450 bytes.

Run: python -m tests.benchmarks.envelopes
"""

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import json
import random
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import zstandard

from producers.envelopes import arrow, ndjson
from producers.envelopes.envelope import decode_envelope
from tests.benchmarks.machine import stolen_seconds
from tokentally.envelope import ARROW_STREAM, NDJSON

EVENTS = 1_000
ROUNDS = 40
CHANCE = random.Random(1)


def main() -> None:
    """Prints one line per case: the best round."""
    stolen, started = stolen_seconds(), time.monotonic()
    plain = [plain_event(number) for number in range(EVENTS)]
    rich = [event | rich_fields(number) for number, event in enumerate(plain)]
    keyed = [event | {"event_id": f"order-{number}"} for number, event in enumerate(plain)]
    tenth_bad = [event | ({"input_tokens": -1} if number % 10 == 0 else {}) for number, event in enumerate(plain)]
    for name, events in (
        ("plain", plain),
        ("with metadata, cost and preview of its own each", rich),
        ("with keys that are no UUIDs", keyed),
        ("with every tenth event wrong", tenth_bad),
    ):
        block = b"\n".join(json.dumps(event, separators=(",", ":")).encode() for event in events)
        packed = zstandard.compress(block)
        frame = ndjson.decode(block).frame
        envelope = arrow.encode(frame)
        print(f"{name}: {len(block) // EVENTS} B of JSON an event")
        measure("NDJSON", len(packed), partial(decode_envelope, packed, NDJSON))
        measure("Arrow", len(envelope), partial(decode_envelope, envelope, ARROW_STREAM))
        measure("writing Arrow", len(envelope), partial(arrow.encode, frame))
    share = (stolen_seconds() - stolen) / (time.monotonic() - started) / (os.cpu_count() or 1)
    print(f"stolen by the hypervisor: {share:.1%}")


def measure(name: str, wire_bytes: int, step: Callable[[], object]) -> None:
    """CPU of this process, not wall time: the machine may be shared."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        step()
        best = min(best, time.process_time() - started)
    print(f"  {name:15} {best / EVENTS * 1e6:6.2f} µs/event {wire_bytes / EVENTS:8.1f} B/event on the wire")


def plain_event(number: int) -> dict[str, Any]:
    """As an SDK sends it."""
    return {
        "event_id": str(uuid.UUID(int=CHANCE.getrandbits(128))),
        "time": f"2026-11-21T02:{number % 60:02}:{number // 60 % 60:02}.{number % 1000:03}Z",
        "organization": f"org-{number % 50:05}",
        "user_id": f"user-{number % 900:06}",
        "department": "research",
        "feature": "summaries",
        "thread_id": f"thread-{number // 3:08}",
        "message_id": f"msg-{CHANCE.getrandbits(96):024x}",
        "provider": "openai",
        "model": CHANCE.choice(["gpt-4o-mini-2024-07-18", "gpt-4o", "gpt-5"]),
        "input_tokens": CHANCE.randrange(4_000),
        "cache_read_tokens": 128 * (number % 3),
        "output_tokens": CHANCE.randrange(900),
        "duration_ms": CHANCE.randrange(9_000),
        "time_to_first_token_ms": CHANCE.randrange(900),
        "status": "success",
    }


def rich_fields(number: int) -> dict[str, Any]:
    """What some senders add, different in every event."""
    return {
        "prompt_preview": f'Summarise "{number}"\nin one line',
        "reported_cost_usd": number / 10**5,
        "metadata": {"request": f"{number:08}", "region": "eu-west-1"},
    }


if __name__ == "__main__":
    main()
