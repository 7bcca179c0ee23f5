"""What the API refuses or cannot do, by what the caller should do next; each becomes an answer of one shape.

ApiError
├── Unauthorized          401  send a valid key
├── Forbidden             403  use another key
├── NotFound              404  ask for something that exists
├── Conflict              409  nothing: it cannot be any more
├── TooLarge              413  send less at once
├── InvalidParameter      422  correct the request
│   └── InvalidItems      422  correct the items that are listed; none was written
└── TryLater              503  repeat after the seconds in Retry-After
    └── ReadOnly          503  have the API started with a user who may write
"""

from collections.abc import Sequence
from typing import ClassVar

ITEMS_IN_MESSAGE = 20


class ApiError(Exception):
    """An answer other than success; the message says what was wrong and what to do."""

    status: ClassVar[int] = 500
    code = "internal"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code

    @property
    def headers(self) -> dict[str, str]:
        """Headers the answer needs."""
        return {}


class Unauthorized(ApiError):
    """No key, or one that is unknown or revoked."""

    status = 401
    code = "unauthorized"

    @property
    def headers(self) -> dict[str, str]:
        """The scheme to use."""
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(ApiError):
    """The key is valid but not for this."""

    status = 403
    code = "forbidden"


class NotFound(ApiError):
    """What was asked for does not exist."""

    status = 404
    code = "not_found"


class Conflict(ApiError):
    """The request is fine, and contradicts what there is."""

    status = 409
    code = "conflict"


class InvalidParameter(ApiError):
    """A parameter has a value that cannot be used."""

    status = 422
    code = "invalid_parameter"


class InvalidItems(InvalidParameter):
    """Some items of a request cannot be used; items: position and what is wrong there."""

    code = "invalid_items"

    def __init__(self, items: Sequence[tuple[int, str]]) -> None:
        shown = "; ".join(f"entries.{index}: {message}" for index, message in items[:ITEMS_IN_MESSAGE])
        more = f"; and {len(items) - ITEMS_IN_MESSAGE} more" if len(items) > ITEMS_IN_MESSAGE else ""
        super().__init__(f"nothing was written: {shown}{more}")
        self.items = tuple(items)


class TooLarge(ApiError):
    """The body of a request has more bytes than are read."""

    status = 413
    code = "too_large"


class TryLater(ApiError):
    """The request is fine, the moment is not."""

    status = 503
    code = "unavailable"
    retry_after_seconds = 2

    @property
    def headers(self) -> dict[str, str]:
        """How long to wait."""
        return {"Retry-After": str(self.retry_after_seconds)}


class ReadOnly(TryLater):
    """The API was started without a user of the warehouse who may write."""

    code = "read_only"

    def __init__(self) -> None:
        super().__init__(
            "this API may not write to the warehouse; set TALLY_API_WRITER_PASSWORD_FILE and start it again"
        )
