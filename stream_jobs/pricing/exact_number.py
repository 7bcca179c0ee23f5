"""Decimal numbers from files without a float on the way: a written value in, an exact Decimal out."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from warehouse.written_number import written_number

_MAX_DIGITS: Final = 100


class NotJson(ValueError):
    """A text that is no JSON, or says one thing twice: correct the file."""


def read_json(text: str) -> Any:
    """The value of a JSON text, its numbers exact Decimals (NaN and infinities too).

    Raises NotJson with the line for text that is no JSON, and for a key that occurs twice in one object, since the
    one that is dropped may be a price.
    """
    try:
        return json.loads(
            text,
            parse_float=_decimal,
            parse_int=_decimal,
            parse_constant=_decimal,
            object_pairs_hook=_without_repeats,
        )
    except json.JSONDecodeError as problem:
        raise NotJson(f"line {problem.lineno}, column {problem.colno}: {problem.msg}; correct the JSON") from problem
    except RecursionError as problem:
        raise NotJson("objects lie in one another too deeply for a price list") from problem


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")  # an exponent beyond all bounds


def _without_repeats(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise NotJson(f"the key {repeated!r} occurs twice in one object; keep one of them")
    return found


def exact_number(value: object) -> Decimal | None:
    """A number or its text as an exact Decimal, NaN and infinities included; None for anything else.

    `written_number` has the rules; a number beyond all bounds is none either.
    """
    number = written_number(value)
    if number is None:
        return None
    if number.is_nan():
        return Decimal("NaN")  # a signalling one would raise wherever it is compared
    _, digits, exponent = number.as_tuple()
    if isinstance(exponent, int) and len(digits) + abs(exponent) > _MAX_DIGITS:
        return None
    return number


def whole_number(value: object) -> int | None:
    """A number or its text as an int, exact whatever its size; None for fractions and anything that is no number."""
    number = exact_number(value)
    if number is None or not number.is_finite():
        return None
    exact = Fraction(number)
    return exact.numerator if exact.denominator == 1 else None


def shifted(number: Decimal, places: int) -> Decimal:
    """The number times 10 to the `places`, exact whatever its digits, in its plain spelling (2.5, not 2.50E+0)."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return number
    return plain(Decimal((sign, digits, exponent + places)))


def multiplied(number: Decimal, factor: int) -> Decimal:
    """The number times a factor above 0, exact whatever its digits, in its plain spelling."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return number
    product = int("".join(map(str, digits))) * factor
    return plain(Decimal((sign, tuple(map(int, str(product))), exponent)))


def plain(number: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent: one spelling for each price."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return number
    if not any(digits):
        return Decimal(0)
    while exponent < 0 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    if exponent > 0:
        digits, exponent = digits + (0,) * exponent, 0
    return Decimal((sign, digits, exponent))
