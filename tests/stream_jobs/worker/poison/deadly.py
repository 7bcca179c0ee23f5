"""`python -m tests.stream_jobs.worker.poison.deadly`: a worker that some events end, as a broken library would.

The marks stand in the bytes of an event. A child of this process imports the module too and dies of the same.
"""

import os
import signal
import time
from collections.abc import Sequence

from producers.envelopes import sent
from producers.envelopes.sent import SentLines

SEGFAULT = b"deadly-segfault"
HANG = b"deadly-hang"
RAISE = b"deadly-raise"
BOMB = b"deadly-bomb"

_read_lines = sent.read_lines


def read_lines(lines: Sequence[bytes]) -> SentLines:
    """Dies of marked lines."""
    text = b"\n".join(lines)
    if SEGFAULT in text:
        os.kill(os.getpid(), signal.SIGSEGV)
    if HANG in text:
        time.sleep(3600)
    if RAISE in text:
        raise ZeroDivisionError("a mark in the text")
    if BOMB in text:
        bytearray(1 << 44)
    return _read_lines(lines)


sent.read_lines = read_lines

if __name__ == "__main__":
    from stream_jobs.worker.app import run

    run()
