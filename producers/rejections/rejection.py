"""An event or envelope that was refused: what, where and why, as a record of the topic usage.rejected."""

import base64
import json
from dataclasses import asdict, dataclass
from typing import Any

RAW_BYTES_KEPT = 65_536
MAX_TIME_MS = 1 << 43
"""The year 2248: what lies beyond is no Unix time in milliseconds."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refusal. rejection_id names it: the same refusal in a replay is the same record."""

    rejection_id: str
    time_ms: int
    source: str
    reason: str
    organization: str
    event_id: str
    src_partition: int | None
    src_offset: int | None
    src_index: int | None
    raw: bytes
    api_key_id: str = ""
    """Id of the key that the collector authenticated; a replay fills it in where an event names none."""

    @classmethod
    def of_worker(
        cls,
        src_partition: int,
        offset: int,
        append_ms: int,
        index: int | None,
        reason: str,
        raw: bytes,
        *,
        organization: str = "",
        event_id: str = "",
    ) -> "Rejection":
        """A refusal at a log position; index None means the whole envelope."""
        place = "all" if index is None else str(index)
        if not organization:
            organization, event_id = _named(raw)
        return cls(
            f"{src_partition}-{offset}-{place}",
            append_ms,
            "worker",
            reason,
            organization,
            event_id,
            src_partition,
            offset,
            index,
            raw[:RAW_BYTES_KEPT],
        )

    @classmethod
    def of_collector(
        cls,
        rejection_id: str,
        time_ms: int,
        reason: str,
        raw: bytes,
        *,
        organization: str = "",
        event_id: str = "",
        api_key_id: str = "",
    ) -> "Rejection":
        """A refusal at the door: there is no log position; rejection_id is made by the collector."""
        if not organization and not event_id:
            organization, event_id = _named(raw)
        return cls(
            rejection_id,
            time_ms,
            "collector",
            reason,
            organization,
            event_id,
            None,
            None,
            None,
            raw[:RAW_BYTES_KEPT],
            api_key_id,
        )

    def encoded(self) -> bytes:
        """The record as JSON; raw as base64, since it may be anything."""
        return json.dumps({**asdict(self), "raw": base64.b64encode(self.raw).decode()}).encode()

    @classmethod
    def decoded(cls, value: bytes) -> "Rejection":
        """The record of `encoded`. Raises ValueError for anything else."""
        try:
            record: dict[str, Any] = json.loads(value)
            known = cls(**{**record, "raw": base64.b64decode(record["raw"])})
            known._check()
        except (KeyError, TypeError, AttributeError, RecursionError) as failure:
            raise ValueError(f"not a rejection record: {failure}") from failure
        return known

    def _check(self) -> None:
        """Raises TypeError or ValueError when a field is not what the table takes."""
        texts = (self.rejection_id, self.source, self.reason, self.organization, self.event_id, self.api_key_id)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a text is no text")
        "".join(texts).encode()
        if not 0 <= self.time_ms < MAX_TIME_MS:
            raise ValueError("time_ms is out of range")
        for number, limit in ((self.src_partition, 1 << 16), (self.src_offset, 1 << 63), (self.src_index, 1 << 32)):
            if number is not None and not 0 <= number < limit:
                raise ValueError("a log position is out of range")


def _named(raw: bytes) -> tuple[str, str]:
    """Organisation and event id of a refused event, as far as its bytes tell."""
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(event, dict):
        return "", ""
    return _text(event.get("organization", "")), _text(event.get("event_id", ""))


def _text(value: object) -> str:
    """At most 256 characters that UTF-8 can hold: a lone surrogate is none."""
    return str(value)[:256].encode("utf-8", "replace").decode() if isinstance(value, str | int) else ""
