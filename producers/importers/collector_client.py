"""Sends events to a collector: NDJSON compressed with zstd out, what was accepted and where in, with retries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

import httpx
import orjson
import tenacity
import zstandard

from producers.importers.errors import CollectorRefused, CollectorUnavailable
from producers.importers.importer import Event
from producers.importers.progress import highest

_RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the collector did with a batch.

    rejections: position in the batch and reason. positions: highest offset per Kafka partition.
    """

    accepted: int
    rejections: Sequence[tuple[int, str]] = ()
    positions: Mapping[int, int] = field(default_factory=dict)


class Collector(Protocol):
    """Takes batches of events; `address` names it."""

    @property
    def address(self) -> str:
        """Where the events go."""

    def send(self, events: Sequence[Event]) -> Receipt:
        """Sends one batch and returns when it is stored durably.

        Raises CollectorUnavailable when it may work later, CollectorRefused when repeating changes nothing.
        """


class _Busy(Exception):
    """The collector asked to come back, after `wait_seconds` when it said so."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class _TooLarge(Exception):
    """The collector takes smaller requests only."""


class HttpCollector:
    """The collector over HTTP; used by one thread; close it, or use it as a context manager.

    patience_seconds: how long one batch is tried again before CollectorUnavailable.
    """

    def __init__(
        self,
        address: str,
        key: str,
        *,
        patience_seconds: float = 120.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = tenacity.nap.sleep,
    ) -> None:
        self._address = address.rstrip("/")
        self._http = httpx.Client(
            headers={"authorization": f"Bearer {key}"}, timeout=60.0, transport=transport, trust_env=False
        )
        self._compressor = zstandard.ZstdCompressor(level=3)
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Busy),
            wait=_wait,
            stop=tenacity.stop_after_delay(patience_seconds),
            sleep=sleep,
            reraise=True,
        )

    @property
    def address(self) -> str:
        """Base address of the collector."""
        return self._address

    def send(self, events: Sequence[Event]) -> Receipt:
        """See Collector."""
        body = self._compressor.compress(b"\n".join(orjson.dumps(event) for event in events))
        try:
            return self._retrying(self._post, body)
        except _TooLarge as failure:
            return self._halved(events, failure)
        except _Busy as failure:
            raise CollectorUnavailable(f"the collector at {self._address} does not take events: {failure}") from failure

    def _halved(self, events: Sequence[Event], failure: Exception) -> Receipt:
        if len(events) < 2:
            raise CollectorRefused(f"the collector at {self._address} refuses one event as too large: {failure}")
        middle = len(events) // 2
        first, second = self.send(events[:middle]), self.send(events[middle:])
        return Receipt(
            first.accepted + second.accepted,
            [*first.rejections, *((middle + place, reason) for place, reason in second.rejections)],
            highest(first.positions, second.positions),
        )

    def _post(self, body: bytes) -> Receipt:
        try:
            response = self._http.post(
                f"{self._address}/v1/events",
                params={"detail": "summary"},
                content=body,
                headers={"content-type": "application/x-ndjson", "content-encoding": "zstd"},
            )
        except httpx.TransportError as failure:
            raise _Busy(f"{type(failure).__name__}: {failure}") from failure
        if response.status_code in _RETRIED_STATUSES:
            raise _Busy(_said(response), _retry_after(response))
        if response.status_code == 413:
            raise _TooLarge(_said(response))
        receipt = _receipt(response) if response.status_code in (200, 202, 422) else None
        if receipt is None:
            raise CollectorRefused(f"the collector at {self._address} refused everything: {_said(response)}")
        return receipt

    def close(self) -> None:
        """Closes the connection."""
        self._http.close()

    def __enter__(self) -> "HttpCollector":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _receipt(response: httpx.Response) -> Receipt | None:
    """What the answer says about each event; None when it says nothing: no collector gave it, or nothing was read."""
    try:
        answer = response.json()
        return Receipt(
            accepted=answer["accepted"],
            rejections=[(rejection["index"], rejection["reason"]) for rejection in answer["rejections"]],
            positions={int(partition): span["last_offset"] for partition, span in answer["positions"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _said(response: httpx.Response) -> str:
    """The sentence of an error answer after its status."""
    try:
        sentence = response.json()["error"]["message"]
    except (ValueError, TypeError, KeyError):
        sentence = " ".join(response.text.split())[:300]
    return f"HTTP {response.status_code}: {sentence}"


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of `Retry-After`; None when it is absent or a date, which our collector never sends."""
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        return None


def _wait(state: tenacity.RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, _Busy) and failure.wait_seconds is not None:
        return min(failure.wait_seconds, _LONGEST_WAIT_SECONDS)
    return tenacity.wait_random_exponential(multiplier=0.25, max=_LONGEST_WAIT_SECONDS)(state)
