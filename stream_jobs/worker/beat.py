"""A counter of progress that is watched from outside the process (rule E28).

It moves with rows loaded, slices done, retries while waiting, and when there is nothing to do; never with time alone.
"""

import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from stream_jobs.worker.waits import Waits

WRITE_SECONDS = 1.0


@dataclass(slots=True)
class Beat:
    """The counter, what the worker waits for, and the files that tell both to the outside."""

    folder: Path
    name: str
    count: int = 0
    waits: Waits = field(default_factory=Waits)
    _writing: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ready_file.unlink(missing_ok=True)

    @property
    def ready_file(self) -> Path:
        """Exists while the worker serves its partitions, or stands by because others have them all."""
        return self.folder / f"{self.name}.ready"

    def move(self) -> None:
        """Something was done."""
        self.count += 1

    def wait(self, what: str, why: str = "") -> None:
        """Something outside is being waited for and was asked again: that is alive."""
        self.count += 1
        self.waits.begin(what, why)

    def ready(self) -> None:
        """The worker serves."""
        if not self.ready_file.exists():
            self.ready_file.write_text(f"{os.getpid()}\n")

    def write(self, state: dict[str, Any]) -> None:
        """Leaves the counter and the state for the watchdog and `tally status`."""
        told = {"pid": os.getpid(), "waiting_for": self.waits.now, "reasons": self.waits.reasons, **state}
        with self._writing:
            self._replace(self.folder / f"{self.name}.beat", f"{self.count}\n")
            self._replace(self.folder / f"{self.name}.json", json.dumps(told))

    def write_for_ever(self) -> None:
        """Writes from a thread of its own, for a process whose only other thread may wait for long."""
        threading.Thread(target=self._write_for_ever, name="beat", daemon=True).start()

    def _write_for_ever(self) -> None:
        while True:
            self.write({})
            time.sleep(WRITE_SECONDS)

    def aside(self) -> "Aside":
        """For a second thread that only looks on."""
        return Aside(self.folder, self.name, waits=self.waits)

    @staticmethod
    def _replace(path: Path, text: str) -> None:
        fresh = path.with_suffix(path.suffix + ".new")
        fresh.write_text(text)
        fresh.replace(path)


class Aside(Beat):
    """Tells what is waited for and never moves the counter: looking on is no progress of the work (rule E28)."""

    def __post_init__(self) -> None:
        """Leaves the files to the beat of the work."""

    def move(self) -> None:
        """Counts nothing."""

    def wait(self, what: str, why: str = "") -> None:
        """Only told."""
        self.waits.begin(what, why)
