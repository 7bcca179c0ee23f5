"""An event or envelope that was refused: what, where and why, as a record of the topic usage.rejected."""

import base64
import json
from dataclasses import asdict, dataclass
from typing import Any

RAW_BYTES_KEPT = 65_536


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
        cls, rejection_id: str, time_ms: int, reason: str, raw: bytes, *, organization: str = "", event_id: str = ""
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
        )

    def encoded(self) -> bytes:
        """The record as JSON; raw as base64, since it may be anything."""
        return json.dumps({**asdict(self), "raw": base64.b64encode(self.raw).decode()}).encode()

    @classmethod
    def decoded(cls, value: bytes) -> "Rejection":
        """The record of `encoded`. Raises ValueError for anything else."""
        record: dict[str, Any] = json.loads(value)
        try:
            return cls(**{**record, "raw": base64.b64decode(record["raw"])})
        except (KeyError, TypeError) as failure:
            raise ValueError(f"not a rejection record: {failure}") from failure


def _named(raw: bytes) -> tuple[str, str]:
    """Organisation and event id of a refused event, as far as its bytes tell."""
    try:
        event = json.loads(raw)
    except ValueError:
        return "", ""
    if not isinstance(event, dict):
        return "", ""
    return str(event.get("organization", ""))[:256], str(event.get("event_id", ""))[:256]
