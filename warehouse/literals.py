"""Text as a ClickHouse string literal, for statements that bind no parameters; statements without their literals."""

import re

_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|$)", re.DOTALL)


def quoted(text: str) -> str:
    """The text between single quotes, escaped."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def masked(text: str) -> str:
    """The text with '…' for everything between single quotes: logs tell what was done, not about whom."""
    return _LITERAL.sub("'…'", text)
