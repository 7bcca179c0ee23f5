"""Answers that every new connection asks for: kept, because some clients open one for every query."""

import re
from dataclasses import dataclass

from warehouse.embedded.engine import Answer
from warehouse.embedded.execution import Job

_ENTRIES_MAX = 200
_ASKED_ON_CONNECT = re.compile(
    rb"\s*SELECT\s+(?:version\(\)(?:\s*,\s*timezone\(\))?|timezone\(\)|currentDatabase\(\)|1 AS check"
    rb"|name, value, readonly(?: as readonly)? FROM system\.settings LIMIT \d+)"
    rb"(?:\s+FORMAT\s+\w+)?\s*;?\s*",
    re.IGNORECASE,
)
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer and the format it has."""

    answer: Answer
    output_format: str


class Handshakes:
    """Answers by all that they depend on. What they tell is fixed while the process and the user's entry last."""

    def __init__(self) -> None:
        self._answers: dict[Key, KeptAnswer] = {}

    def key(self, job: Job, generation: int, sql: bytes) -> Key | None:
        """Under what an answer is kept; None for any other statement."""
        if not _ASKED_ON_CONNECT.fullmatch(sql):
            return None
        return (job.user.name, generation, sql, job.output_format, job.database, *sorted(job.settings.items()))

    def get(self, key: Key | None) -> KeptAnswer | None:
        """The kept answer."""
        return self._answers.get(key) if key else None

    def keep(self, key: Key, answer: KeptAnswer) -> None:
        """Keeps an answer; forgets all others when there are too many."""
        if len(self._answers) >= _ENTRIES_MAX:
            self._answers.clear()
        self._answers[key] = answer
