"""A counter of progress that is watched from outside the process (rule E28).

It moves with rows loaded, slices done, retries while waiting, and when there is nothing to do; never with time alone.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Beat:
    """The counter, what the worker waits for (empty: nothing), and the files that tell both to the outside."""

    folder: Path
    name: str
    count: int = 0
    waiting_for: str = ""
    _last: tuple[object, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ready_file.unlink(missing_ok=True)

    @property
    def ready_file(self) -> Path:
        """Exists while partitions are assigned and loaded."""
        return self.folder / f"{self.name}.ready"

    def move(self, waiting_for: str = "") -> None:
        """Something was done, or something outside is being waited for and asked again."""
        self.count += 1
        self.waiting_for = waiting_for

    def ready(self) -> None:
        """The worker serves its partitions."""
        if not self.ready_file.exists():
            self.ready_file.write_text(f"{os.getpid()}\n")

    def write(self, state: dict[str, Any]) -> None:
        """Leaves the counter and the state for the watchdog and `tally status`."""
        self._replace(self.folder / f"{self.name}.beat", f"{self.count}\n")
        told = {"pid": os.getpid(), "waiting_for": self.waiting_for, **state}
        self._replace(self.folder / f"{self.name}.json", json.dumps(told))

    @staticmethod
    def _replace(path: Path, text: str) -> None:
        fresh = path.with_suffix(path.suffix + ".new")
        fresh.write_text(text)
        fresh.replace(path)
