"""Errors in ClickHouse's own shape: a number, a name and a sentence in, an HTTP status and a body out."""

import re
from enum import IntEnum

_CODE = re.compile(r"Code:\s*(\d+)\.")
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*(?:\(version [^)]*(?:\([^)]*\))?\))?\s*$")
_VERSION = re.compile(r"\s*\(version [0-9.]+(?: \(official build\))?\)\.?\s*$")
UNKNOWN_EXCEPTION = 1002


class Fault(IntEnum):
    """The engine's own error numbers that the front raises itself."""

    BAD_ARGUMENTS = 36
    NOT_IMPLEMENTED = 48
    SYNTAX_ERROR = 62
    UNKNOWN_SETTING = 115
    READONLY = 164
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216
    TOO_MANY_SIMULTANEOUS_QUERIES = 202
    SUPPORT_IS_DISABLED = 344
    SESSION_NOT_FOUND = 372
    SESSION_IS_LOCKED = 373
    INVALID_SESSION_TIMEOUT = 374
    UNKNOWN_COMPRESSION_METHOD = 89
    CANNOT_DECOMPRESS = 271
    QUERY_WAS_CANCELLED = 394
    ABORTED = 236
    ACCESS_DENIED = 497
    UNKNOWN_ROLE = 511
    AUTHENTICATION_FAILED = 516
    QUERY_IS_TOO_LARGE = 573


_BAD_REQUEST = (6, 26, 27, 33, 36, 38, 41, 42, 43, 44, 50, 53, 62, 69, 70, 72, 89, 117, 130, 131, 271, 374)
_NOT_FOUND = (16, 46, 47, 60, 63, 81, 115, 372, 511)
_STATUS = {
    **dict.fromkeys(_BAD_REQUEST, 400),
    **dict.fromkeys(_NOT_FOUND, 404),
    48: 501,
    159: 408,
    202: 503,
    497: 403,
    516: 401,
    573: 413,
}


class ClickHouseError(Exception):
    """A statement that was refused or failed; the text is what ClickHouse itself would say.

    The caller's next move is told by `code`, as with any ClickHouse server.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """The HTTP status a ClickHouse server sends with this code."""
        return _STATUS.get(self.code, 500)

    @property
    def name(self) -> str:
        """The symbolic name at the end of the text, or an empty string."""
        found = _NAME.search(self.text)
        return found[1] if found else ""

    def body(self, version: str) -> bytes:
        """What the client reads: `Code: N. DB::Exception: … (NAME) (version …)`."""
        return f"{self.text} (version {version} (official build))\n".encode("utf-8", "replace")


def refused(fault: Fault, sentence: str) -> ClickHouseError:
    """An error that the front raises before, or instead of, asking the engine."""
    return ClickHouseError(int(fault), f"Code: {int(fault)}. DB::Exception: {sentence} ({fault.name})")


def from_engine(failure: Exception) -> ClickHouseError:
    """What the engine raised, without the driver's words around it."""
    text = str(failure).strip()
    found = _CODE.search(text)
    if found is None:
        said = text or type(failure).__name__
        return ClickHouseError(
            UNKNOWN_EXCEPTION, f"Code: {UNKNOWN_EXCEPTION}. DB::Exception: {said} (UNKNOWN_EXCEPTION)"
        )
    text = _VERSION.sub("", text[found.start() :])
    return ClickHouseError(int(found[1]), text)
