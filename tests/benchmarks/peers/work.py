"""What every peer does with an event: envelopes unpacked, one key, one window, three sums."""

import os
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import zstandard

WINDOW_SECONDS = 900
COUNT = "count"
"""Name of the file in a peer's folder that tells how many events it has processed."""
Sums = list[int]
"""Requests, input tokens, output tokens."""


def events(envelope: bytes) -> Iterator[dict[str, Any]]:
    """The events of one NDJSON envelope."""
    return map(orjson.loads, zstandard.decompress(envelope).split(b"\n"))


def key(event: dict[str, Any]) -> str:
    """Who used what: coarser than a row of our rollup, which is kind to the peer."""
    return f"{event['organization']}|{event.get('user_id', '')}|{event.get('feature', '')}|{event.get('model', '')}"


def unix_seconds(event: dict[str, Any]) -> float:
    """When the call happened."""
    return datetime.fromisoformat(event["time"]).timestamp()


def sums(event: dict[str, Any]) -> Sums:
    """What one event adds."""
    return [1, event.get("input_tokens", 0), event.get("output_tokens", 0)]


def added(left: Sums | int, right: Sums) -> Sums:
    """The sums together; a window that does not exist yet is 0 or empty."""
    return [a + b for a, b in zip(left, right, strict=True)] if isinstance(left, list) and left else right


class Counter(threading.Thread):
    """Writes how many events were processed so far into a file, for the process that measures."""

    def __init__(self, folder: str) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self._file = Path(folder, COUNT)

    def run(self) -> None:
        """Until the process ends."""
        with self._file.open("wb", buffering=0) as file:
            while True:
                os.pwrite(file.fileno(), self.count.to_bytes(8), 0)
                time.sleep(0.05)
