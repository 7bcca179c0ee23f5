"""What a stream job tells of itself: its status file in, what it waits for and what a person should know out."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.spans import span


@dataclass(frozen=True, slots=True)
class Told:
    """A status file of the present process."""

    ready: bool
    waiting_for: Mapping[str, float]
    """What is waited for, and since when (Unix s)."""
    reasons: Mapping[str, str]
    """Why it is waited for, as far as it said something."""
    refused: Mapping[str, str]
    standby: bool
    partitions: tuple[int, ...]
    lag_envelopes: int
    audit: Mapping[str, Any]
    """The last audit: when it ended (Unix s), how many rows differed and a sentence; empty before the first."""
    jobs: Mapping[str, int] = field(default_factory=dict)
    """Jobs of its log partitions: how many are `open`, and how many `slices_left` they have."""

    @classmethod
    def read(cls, run: Path, name: str, pid: int) -> "Told | None":
        """The file of that process; None when it has not written one yet."""
        try:
            told: dict[str, Any] = json.loads((run / f"{name}.json").read_text())
            ready = (run / f"{name}.ready").exists() and (run / f"{name}.ready").read_text().strip() == str(pid)
        except (OSError, ValueError):
            return None
        if told.get("pid") != pid:
            return None
        return cls(
            ready,
            told.get("waiting_for", {}),
            told.get("reasons", {}),
            told.get("refused", {}),
            told.get("standby", False),
            tuple(told.get("partitions", ())),
            told.get("lag_envelopes", 0),
            told.get("audit", {}),
            told.get("jobs", {}),
        )

    @property
    def waits_for(self) -> str:
        """In words; "" when it waits for nothing."""
        now = time.time()
        return ", ".join(
            f"{what} for {span(max(0.0, now - since))}" + (f": {self.reasons[what]}" if self.reasons.get(what) else "")
            for what, since in self.waiting_for.items()
        )

    @property
    def trouble(self) -> str:
        """Partitions that only a person can bring back, with the cure; "" when there are none."""
        return "; ".join(f"you: partition {number} is refused: {why}" for number, why in self.refused.items())

    @property
    def audit_news(self) -> str:
        """What the last audit found; "" before the first."""
        if not self.audit:
            return ""
        ago = span(max(0.0, time.time() - self.audit["finished"]))
        return f"last audit {ago} ago: {self.audit['message']}"
