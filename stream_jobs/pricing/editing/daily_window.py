"""Hours of a day as price rows write them: a daily window and one that takes hours of it away in, what is left out."""

from datetime import datetime, time, timedelta
from typing import Final, TypeAlias

Window: TypeAlias = tuple[str, str]
"""Start and end (HH:MM:SS, UTC); the end before the start when it crosses midnight; both empty for all day."""

ALL_DAY: Final = ("", "")
_DAY: Final = 86_400
_MIDNIGHT: Final = datetime(1970, 1, 1)  # noqa: DTZ001


def left_of(window: Window, taken: Window) -> list[Window]:
    """The parts of a window, not all day, outside another one: none, one or two."""
    start, length = _hours(window)
    other, taken_length = _hours(taken)
    offset = (other - start) % _DAY
    parts = [(0, min(offset, length)), (offset + taken_length, length)]
    if offset + taken_length > _DAY:  # it also holds where the window begins
        parts = [(offset + taken_length - _DAY, min(offset, length))]
    return [(_text(start + begin), _text(start + end)) for begin, end in parts if begin < end]


def _hours(window: Window) -> tuple[int, int]:
    """Start and length in seconds."""
    start, end = (_seconds(text) for text in window)
    return start, (end - start) % _DAY


def _seconds(text: str) -> int:
    moment = time.fromisoformat(text)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _text(seconds: int) -> str:
    return f"{_MIDNIGHT + timedelta(seconds=seconds):%H:%M:%S}"
