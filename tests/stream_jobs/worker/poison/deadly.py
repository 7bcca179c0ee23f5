"""`python -m tests.stream_jobs.worker.poison.deadly`: a worker that some events end, as a broken library would.

The marks stand in the bytes of an event. A child of this process imports the module too and dies of the same.
"""

import os
import signal
import time
from collections.abc import Sequence

from producers.envelopes import ndjson
from producers.envelopes.decoded import Decoded

SEGFAULT = b"deadly-segfault"
HANG = b"deadly-hang"
RAISE = b"deadly-raise"
BOMB = b"deadly-bomb"

_decode_lines = ndjson.decode_lines


def decode_lines(lines: Sequence[bytes], organization: str = "") -> Decoded:
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
    return _decode_lines(lines, organization)


ndjson.decode_lines = decode_lines

if __name__ == "__main__":
    from stream_jobs.worker.app import run

    run()
