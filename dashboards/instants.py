"""Instants in generated SQL: one in UTC in, a literal out."""

from datetime import datetime


def exact(dttm: datetime) -> str:
    """The instant (naive, in UTC) as a DateTime64(3).

    Superset writes toDateTime('…'). Filters of a span then lose events of its last second: what ClickHouse makes of
    such a bound is told at `second` in warehouse/literals.py.
    """
    return f"toDateTime64('{dttm.isoformat(sep=' ', timespec='milliseconds')}', 3, 'UTC')"
