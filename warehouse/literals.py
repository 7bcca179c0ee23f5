"""Text and instants as ClickHouse literals; statements without their literals."""

import re
from typing import Final
from urllib.parse import quote_plus

LONGEST_ADDRESS: Final = 60_000
"""Bytes of a statement that is sent with a table, and so in the address: the embedded warehouse takes 64 KB of it."""
_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|$)", re.DOTALL)


def quoted(text: str) -> str:
    """The text between single quotes, escaped."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def in_address(sql: str) -> int:
    """How many bytes a statement has there (RFC 3986)."""
    return len(quote_plus(sql))


def second(seconds: int | str) -> str:
    """Unix seconds, or the placeholder of them, as a DateTime64(3).

    An instant is never compared as a DateTime. When ClickHouse 26.9 decides which granules of a DateTime64 key to read,
    it takes `time < toDateTime(X)` for `time <= X - 1 s` and `time > toDateTime(X)` for `time >= X + 1 s`: events of
    that second disappear, or show an earlier version. tests/warehouse/test_boundary_seconds.py shows it; open integer
    bounds are closed, and a DateTime is an integer there (github.com/ClickHouse/ClickHouse/issues/113993).
    """
    return f"toDateTime64({seconds}, 3, 'UTC')"


def masked(text: str) -> str:
    """The text with '…' for everything between single quotes: logs tell what was done, not about whom."""
    return _LITERAL.sub("'…'", text)
