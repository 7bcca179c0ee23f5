"""Cursors of pages: where a page ended in, a text for the next request out, and back."""

import base64
import binascii
import json

from api.errors import InvalidParameter

LENGTH_MAX = 1024


def encoded(*parts: str | int) -> str:
    """The parts as one URL-safe word."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decoded(cursor: str, *types: type) -> list[str | int]:
    """The parts of a cursor. Raises InvalidParameter when it is none that `encoded` gave."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as failure:
        raise invalid(cursor) from failure
    if not isinstance(parts, list) or [type(part) for part in parts] != list(types):
        raise invalid(cursor)
    return parts


def invalid(cursor: str) -> InvalidParameter:
    """The refusal of a cursor."""
    return InvalidParameter(
        f"cursor: {cursor[:40]!r} is none that this route gave; send next_cursor as it came, or leave it out to start"
    )
