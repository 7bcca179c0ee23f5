"""Lets one process at a time store revisions: a home in, a lock held for as long as the block runs out.

State N is every owner's highest revision up to N. So N may not be given out while a lower number is still to be stored:
a partition that loads state N before and another that loads it after would price differently.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK_FILE: Final = "revisions.lock"


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Waits until nobody else of this installation stores revisions. The lock of a process ends with it."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK_FILE).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
