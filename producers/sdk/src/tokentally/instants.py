"""Instants of an event: RFC 3339 text or an aware datetime in, UTC cut to milliseconds out."""

import re
from datetime import datetime, timedelta, timezone
from typing import Final

from .identity import parse_event_uuid
from .uuid7 import unix_ms_of

_RFC_3339: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,30}))?"
    r"(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FORM: Final = "must be an RFC 3339 time with offset, such as 2026-03-01T09:30:00.125Z or 2026-03-01T10:30:00+01:00"


def read_instant(value: object) -> datetime:
    """The instant in UTC, cut (not rounded) to the millisecond.

    Raises ValueError for text of another form, a naive datetime, a date that does not exist, or a number.
    """
    if isinstance(value, str):
        return _cut(_parse(value))
    if not isinstance(value, datetime):
        raise ValueError(_FORM)
    if value.utcoffset() is None:
        raise ValueError("has no time zone; " + _FORM)
    return _cut(value)


def instant_of_event_id(event_id: str) -> datetime:
    """The instant inside a UUIDv7 event_id; raises ValueError when there is none to take."""
    event_uuid = parse_event_uuid(event_id)
    unix_ms = unix_ms_of(event_uuid) if event_uuid else None
    if unix_ms is None:
        raise ValueError("is missing, and event_id is not a UUIDv7 to take it from")
    try:
        return _EPOCH + timedelta(milliseconds=unix_ms)
    except OverflowError:
        raise ValueError("is missing, and the UUIDv7 event_id lies beyond the year 9999") from None


def rfc3339(instant: datetime) -> str:
    """The UTC text of an instant with three decimals and Z: 2026-03-01T09:30:00.125Z."""
    return instant.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _parse(text: str) -> datetime:
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError(_FORM)
    year, month, day, hour, minute, second, fraction, _, sign, offset_hour, offset_minute = match.groups()
    zone = timezone.utc
    if sign:
        if int(offset_hour) > 23 or int(offset_minute) > 59:
            raise ValueError("has an offset beyond 23:59; " + _FORM)
        offset = timedelta(hours=int(offset_hour), minutes=int(offset_minute))
        zone = timezone(-offset if sign == "-" else offset)
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond, zone)
    except ValueError as problem:
        raise ValueError(f"does not exist: {problem}") from None


def _cut(instant: datetime) -> datetime:
    try:
        utc = instant.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999") from None
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
