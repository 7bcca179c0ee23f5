"""`python -m tests.stream_jobs.worker.poison.deadly`: a worker that some events and control records end, as a broken
library would.

The marks stand in the bytes of an event, or of a control record. A child of this process imports the module too, and
dies of the same.
"""

import os
import signal
import time
from collections.abc import Sequence
from typing import Any

from producers.control.record import ControlRecord, read_record
from producers.envelopes import sent
from producers.envelopes.sent import SentLines
from stream_jobs.worker import control

SEGFAULT = b"deadly-segfault"
HANG = b"deadly-hang"
RAISE = b"deadly-raise"
BOMB = b"deadly-bomb"

_read_lines = sent.read_lines


def die_of(text: bytes) -> None:
    """Dies if there is a mark in it."""
    if SEGFAULT in text:
        os.kill(os.getpid(), signal.SIGSEGV)
    if HANG in text:
        time.sleep(3600)
    if RAISE in text:
        raise ZeroDivisionError("a mark in the text")
    if BOMB in text:
        bytearray(1 << 44)


def read_lines(lines: Sequence[bytes]) -> SentLines:
    """Dies of marked lines."""
    die_of(b"\n".join(lines))
    return _read_lines(lines)


def read_deadly(value: bytes, *more: Any) -> ControlRecord:
    """Dies of a marked record."""
    die_of(value)
    return read_record(value, *more)


sent.read_lines = read_lines
control.read_record = read_deadly  # type: ignore[assignment, attr-defined]

if __name__ == "__main__":
    from stream_jobs.worker.app import run

    run()
