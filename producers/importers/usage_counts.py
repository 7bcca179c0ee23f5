"""A provider's usage object in, its numbers and parts out: what is there and not null, under the first name it has."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tokentally.errors import InconsistentTokenCounts

Usage = Mapping[str, object]

_TOKENS_LIMIT: Final = 10**13


def count(usage: Usage, *names: str) -> int:
    """The first of these token counts that is there and not null; 0 when none is.

    Raises InconsistentTokenCounts when it is no whole number.
    """
    return known(usage, *names) or 0


def known(usage: Usage, *names: str) -> int | None:
    """As `count`, but None when no count is there."""
    for name in names:
        value = usage.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not _is_whole(value):
            raise InconsistentTokenCounts(f"{name} is {str(value)[:40]!r}, not a whole number of tokens")
        return int(value)
    return None


def part(usage: Usage, *names: str) -> Usage:
    """The first of these members that is an object with something in it; an empty one when none is."""
    return next((found for name in names if isinstance(found := usage.get(name), Mapping) and found), {})


def parts(usage: Usage, name: str) -> list[Usage]:
    """The objects in this member; none when it is no list."""
    found = usage.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _is_whole(value: float | Decimal) -> bool:
    return -_TOKENS_LIMIT < value < _TOKENS_LIMIT and value == int(value)


def dealt(tokens: int, sizes: dict[str, int]) -> dict[str, int]:
    """Tokens by modality in the order of `sizes`, to none more than its size; below zero tokens is none."""
    dealt = {}
    left = max(tokens, 0)
    for modality, size in sizes.items():
        dealt[modality] = min(left, max(size, 0))
        left -= dealt[modality]
    return dealt
