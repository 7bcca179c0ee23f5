"""Decimal numbers as people and JSON write them, without a float on the way: what is written in, a Decimal out."""

from decimal import Decimal, InvalidOperation


def written_number(value: object) -> Decimal | None:
    """A number or its text as a Decimal, NaN and infinities included; None for anything else.

    A float is refused as well: it has lost what was written. So is a text such as 1_0, or of other digits than 0-9,
    which Decimal takes.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    text = value.strip() if isinstance(value, str) else ""
    if not text.isascii() or "_" in text:
        return None
    try:
        return Decimal(text if isinstance(value, str) else value)
    except (InvalidOperation, ValueError):
        return None
