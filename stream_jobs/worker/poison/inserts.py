"""Which rows the warehouse never takes: raw rows in, those that it refuses even alone out, all others stored."""

from collections.abc import Callable

import polars as pl

from warehouse.client import exception_code
from warehouse.errors import WarehouseRefused

Insert = Callable[[pl.DataFrame], None]
VALUE_CODES = frozenset({6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 407, 467})
"""What ClickHouse says of a value: it cannot be parsed, converted or kept. All else is the table's or the user's."""


def refused_rows(insert: Insert, rows: pl.DataFrame) -> list[tuple[int, str]]:
    """Row numbers with what the warehouse says; what it takes is stored on the way, which a later insert repeats.

    Raises WarehouseRefused when it is not a value that is refused, or when all of several rows are.
    """
    found = _refused(insert, rows, 0)
    if rows.height > 1 and len(found) == rows.height:
        raise WarehouseRefused(f"the warehouse takes none of {rows.height} rows: {found[0][1]}")
    return found


def is_of_value(refusal: WarehouseRefused) -> bool:
    """Whether it is a value that is refused."""
    return exception_code(str(refusal)) in VALUE_CODES


def _refused(insert: Insert, rows: pl.DataFrame, first: int) -> list[tuple[int, str]]:
    try:
        insert(rows)
    except WarehouseRefused as refusal:
        if rows.height == 1:
            if not is_of_value(refusal):
                raise
            return [(first, str(refusal))]
        middle = rows.height // 2
        return _refused(insert, rows[:middle], first) + _refused(insert, rows[middle:], first + middle)
    return []
