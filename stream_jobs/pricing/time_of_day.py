"""Ends of daily windows: a time of day as people write it in, HH:MM:SS in UTC out."""

from datetime import time


def time_of_day(text: str) -> str:
    """The same time in the one spelling that prices are stored with; "" for no text.

    Raises ValueError for what is no time, has parts of a second, or an offset: a window is in UTC all year.
    """
    if not text.strip():
        return ""
    moment = time.fromisoformat(text.strip())
    if moment.tzinfo is not None or moment.microsecond:
        raise ValueError(text)
    return moment.strftime("%H:%M:%S")
