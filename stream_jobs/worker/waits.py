"""What a process waits for outside itself: begun and ended by whoever asks, told with since when."""

import time
from collections import defaultdict
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Waits:
    """What is waited for now, and how often and how long it was so far. Any thread may call it."""

    retries: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ended_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    reasons: dict[str, str] = field(default_factory=dict)
    """Why each thing did not answer when it was asked last."""
    _since: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, what: str, why: str = "") -> None:
        """It was asked and did not answer."""
        with self._lock:
            self.reasons = {**self.reasons, what: why or self.reasons.get(what, "")}
            self.retries[what] += 1
            self._since.setdefault(what, time.time())

    def end(self, what: str) -> None:
        """It answers, or is not needed any more."""
        if what not in self._since:
            return
        with self._lock:
            begun = self._since.pop(what, None)
            self.reasons = {other: why for other, why in self.reasons.items() if other != what}
            if begun is not None:
                self.ended_seconds[what] += max(0.0, time.time() - begun)

    @property
    def now(self) -> dict[str, float]:
        """Each thing waited for and since when (Unix s), the longest wait first."""
        with self._lock:
            return dict(sorted(self._since.items(), key=lambda entry: entry[1]))

    @property
    def seconds(self) -> dict[str, float]:
        """How long each thing waited for has been waited for."""
        now = time.time()
        return {what: max(0.0, now - since) for what, since in self.now.items()}
