"""One batch of events to the collector: NDJSON lines out as gzip over HTTP, what became of them back."""

import gzip
import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .envelope import NDJSON

_RETRIED_STATUSES = frozenset({408, 425, 429})
_ANSWER_BYTES_READ = 1_000_000


@dataclass(frozen=True, slots=True)
class Delivered:
    """The collector has stored the batch but for the rejections: position in the batch, and why."""

    rejections: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The same batch may succeed later; after `wait_seconds` if the collector said so."""

    reason: str
    wait_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The batch is beyond the collector's limits; a smaller one may pass."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Sending the batch again changes nothing."""

    reason: str


Outcome = Delivered | TryAgain | TooLarge | Refused


class CollectorConnection:
    """A kept-alive connection to one collector, used by one thread.

    Raises ValueError when `url` is not an http or https address or the key cannot be a header.
    """

    def __init__(self, url: str, key: str, *, timeout_seconds: float) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(f"the collector's address must look like https://host:port, not {url!r}")
        if not key or not key.isascii() or not key.isprintable():
            raise ValueError("the collector's key is empty or holds characters that no key has")
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._http = kind(address.hostname, address.port, timeout=timeout_seconds)
        self._path = address.path.rstrip("/") + "/v1/events?detail=summary"
        self._headers = {
            "authorization": f"Bearer {key}",
            "content-type": NDJSON,
            "content-encoding": "gzip",
            "user-agent": "tokentally",
        }

    def send(self, lines: Sequence[bytes]) -> Outcome:
        """Sends the lines and reads the answer; raises nothing for what a network or a server can do."""
        body = gzip.compress(b"\n".join(lines), compresslevel=1)
        try:
            self._http.request("POST", self._path, body, self._headers)
            response = self._http.getresponse()
            answer = response.read(_ANSWER_BYTES_READ)
            if not response.isclosed():
                self.close()
        except (OSError, UnicodeError, http.client.HTTPException) as failure:  # UnicodeError: no such host name
            self.close()
            return TryAgain(f"{type(failure).__name__}: {failure}")
        return read_answer(response.status, response.headers.get("retry-after"), answer)

    def close(self) -> None:
        """Closes the connection; the next `send` opens it again."""
        self._http.close()


def read_answer(status: int, retry_after: str | None, body: bytes) -> Outcome:
    """What an answer of the collector means for the batch.

    202 (200, 403, 422) carry `{"rejections": [{"index": 0, "reason": "…"}]}`; 403 and 422 without it refuse the batch
    as a whole.
    """
    if status in _RETRIED_STATUSES or status >= 500:
        return TryAgain(_described(status, body), _seconds(retry_after))
    if status == 413:
        return TooLarge(_described(status, body))
    rejections = _rejections(body) if status in (200, 202, 403, 422) else None
    if rejections is not None:
        return Delivered(rejections)
    # Stored, though the answer is none of ours: sending again would be harmless but useless.
    return Delivered() if status in (200, 202) else Refused(_described(status, body))


def _rejections(body: bytes) -> tuple[tuple[int, str], ...] | None:
    try:
        return tuple((int(each["index"]), str(each["reason"])) for each in json.loads(body)["rejections"])
    except (ValueError, TypeError, KeyError):
        return None


def _described(status: int, body: bytes) -> str:
    return f"HTTP {status}: {body[:300].decode('utf-8', 'replace')}"


def _seconds(retry_after: str | None) -> float | None:
    # A date is legal too, but collectors send seconds.
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
