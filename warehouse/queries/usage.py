"""The measures of usage: the sums that every rollup view offers, as one value that can be added up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Context, Decimal
from typing import Any

EXACT = Context(prec=76)
"""Wide enough for any sum of Decimal(38, 9): nothing is rounded while adding."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over some requests: counts and tokens as integers, money and credits as exact decimals."""

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0
    video_tokens: int = 0
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    total_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    billed_usd: Decimal = Decimal(0)
    credits: Decimal = Decimal(0)


MEASURES: tuple[str, ...] = tuple(field.name for field in fields(Usage))
SUMS = ", ".join(f"sum({name}) AS {name}" for name in MEASURES)
"""The measures as aggregates of a view, in the order of Usage's fields."""


def usage_of(row: Sequence[Any]) -> Usage:
    """The measures of a row that holds exactly SUMS."""
    return Usage(*row)


def added(parts: Iterable[Usage]) -> Usage:
    """The exact sum of several."""
    rows = [[getattr(part, name) for name in MEASURES] for part in parts]
    if not rows:
        return Usage()
    return Usage(*(_exact_sum(column) for column in zip(*rows, strict=True)))


def _exact_sum(values: Sequence[Any]) -> Any:
    if not isinstance(values[0], Decimal):
        return sum(values)
    total = Decimal(0)
    for value in values:
        total = EXACT.add(total, value)
    return total
