"""Lines of the services' logs: what was written in, what a person reads out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEVELS = ("debug", "info", "warning", "error", "critical")
SPELLED = {"warn": "warning", "fatal": "critical", "notice": "info", "exception": "error", "trace": "debug"}
FIRST_WORDS = 60
"""A program's own level stands near the beginning of its line."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: its level, when it was written (as written; "" when unknown), the words, and what belongs to them."""

    level: str
    time: str
    words: str
    details: tuple[tuple[str, str], ...] = ()
    trace: str = ""

    def at_least(self, level: str) -> bool:
        """Whether it is as serious as that."""
        return LEVELS.index(self.level) >= LEVELS.index(level)

    @property
    def text(self) -> str:
        """In words: time, level, what happened, name=value; a traceback below, indented."""
        details = " ".join(f"{name}={value}" for name, value in self.details)
        head = "  ".join(part for part in (self.time, self.level.ljust(8), self.words, details) if part)
        return "\n".join([head.rstrip(), *(f"    {line}" for line in self.trace.splitlines())])


def parsed(line: str) -> LogLine:
    """A line of any service: an object of ours, or the words of a program that writes its own way."""
    entry = _object(line)
    if entry is None:
        return LogLine(_guessed(line), "", line)
    level = str(entry.pop("level", "info")).lower()
    level = SPELLED.get(level, level)
    time = str(entry.pop("timestamp", "")).replace("T", " ")[:23].rstrip("Z")
    words, trace = str(entry.pop("event", "")), str(entry.pop("exception", ""))
    details = tuple((name, value if isinstance(value, str) else json.dumps(value)) for name, value in entry.items())
    return LogLine(level if level in LEVELS else "info", time, words, details, trace)


def serious(lines: Sequence[str], level: str) -> list[str]:
    """The lines that are at least that serious, as they were written."""
    return [line for line in lines if parsed(line).at_least(level)]


def _object(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "event" in entry else None


def _guessed(line: str) -> str:
    """The level that a program names itself; words that look like none are information."""
    words = line[:FIRST_WORDS].replace("[", " ").replace("]", " ").replace(":", " ").lower().split()
    return next((SPELLED.get(word, word) for word in words if SPELLED.get(word, word) in LEVELS), "info")
