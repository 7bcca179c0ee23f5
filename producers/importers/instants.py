"""Times as files write them in, RFC 3339 in UTC with milliseconds out."""

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND = 946_684_800
"""2000-01-01: a smaller number is no Unix time but a count from the start of a trace."""
_UNITS = ((10**11, 0), (10**14, 3), (10**17, 6), (10**20, 9))
"""Below the bound, a Unix time has this many decimal places of a second: seconds, ms, µs, ns."""


def instant(value: object, zone: tzinfo = UTC) -> str:
    """The instant as `2023-11-16T18:17:03.979Z`, cut to milliseconds.

    Reads ISO 8601 with `T` or a space and any number of decimals, with an offset or in `zone`; and Unix times in
    seconds, milliseconds, microseconds or nanoseconds, told apart by their size. A local time that happens twice means
    its first occurrence. Raises ValueError with a sentence for anything else.
    """
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return _text(_from_unix(Decimal(value)))
    text = str(value).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _text(_from_iso(text, zone))
    return _text(_from_unix(number))


def _from_iso(text: str, zone: tzinfo) -> datetime:
    # The standard library reads six decimals of a second at most exactly as written: cut what is finer.
    head, dot, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    if dot and digits > 6:
        text = f"{head}.{rest[:6]}{rest[digits:]}"
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"time {text[:40]!r} is neither ISO 8601 nor a Unix time") from None


def _from_unix(number: Decimal) -> datetime:
    if not number.is_finite() or number < _FIRST_SECOND:
        raise ValueError(f"time {str(number)[:40]} is before the year 2000: a trace's own clock is not a Unix time")
    for bound, places in _UNITS:
        if number < bound:
            return _EPOCH + timedelta(milliseconds=int(number.scaleb(3 - places)))
    raise ValueError(f"time {str(number)[:40]} is too large for a Unix time")


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
