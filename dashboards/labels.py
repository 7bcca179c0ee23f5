"""Aliases of generated SQL: a label in, one that cannot be the name of a column out."""

import hashlib


def unlike_any_column(label: str) -> str:
    """The label with a hash of itself behind it; the same label always gives the same alias.

    ClickHouse resolves names in WHERE to the aliases of SELECT first. Superset truncates a time column under its own
    name (`toStartOfMonth(time) AS time … WHERE time >= …`), so that the filter meets the truncated value and the
    first month silently disappears. No alias may therefore equal a column.
    """
    return f"{label}_{hashlib.sha256(label.encode()).hexdigest()[:6]}"
