"""The answer to a request: what was stored where, what was refused and why, and what is not known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from producers.collector.dispatcher import Placed
from producers.collector.event_log import Position
from producers.collector.intake import Intake, Numbers, names_in
from producers.collector.refusals import RETRY_AFTER_SECONDS, Response, error, json_response
from producers.envelopes.decoded import Rejected, RejectionKind

_UNKNOWN = -1
_TRY_AGAIN = "Kafka did not acknowledge all events: send the whole request again, events count once by their id"


@dataclass(frozen=True, slots=True)
class Places:
    """Partition, offset and position in its envelope of every accepted event; offset -1: not acknowledged."""

    partition: Numbers
    offset: Numbers
    position: Numbers

    @classmethod
    def of(cls, events: int, placed: Sequence[Placed]) -> "Places":
        """Reads the outcomes, which are all done."""
        partition, offset, position = (np.full(events, _UNKNOWN, np.int64) for _ in range(3))
        for place in placed:
            partition[place.part.rows] = place.part.partition
            for slot in place.slots:
                rows = place.part.rows[slot.first : slot.first + slot.count]
                outcome = slot.envelope.outcome.result()
                position[rows] = np.arange(slot.start, slot.start + slot.count)
                offset[rows] = outcome.offset if isinstance(outcome, Position) else _UNKNOWN
        return cls(partition, offset, position)

    @property
    def stored(self) -> int:
        """How many events Kafka acknowledged."""
        return int((self.offset != _UNKNOWN).sum())


def answer(intake: Intake, places: Places, *, rejections_kept: bool, summary: bool) -> Response:
    """202 when everything that was accepted is stored, 503 when some is not, 422 or 403 when nothing was accepted."""
    content = _summary(intake, places) if summary else _detail(intake, places)
    unknown = len(intake.index) - places.stored
    if unknown or not rejections_kept:
        content |= error("kafka_unavailable", _TRY_AGAIN)
        return json_response(503, content, retry_after=RETRY_AFTER_SECONDS)
    if len(intake.index):
        return json_response(202, content)
    if all(rejected.kind is RejectionKind.NOT_ALLOWED for rejected in intake.rejected):
        return json_response(403, content | error("not_allowed", "this key may not send any of these events"))
    return json_response(422, content | error("all_rejected", "none of the events can be accepted"))


def _summary(intake: Intake, places: Places) -> dict[str, Any]:
    ranges = {}
    stored = places.offset != _UNKNOWN
    for partition in np.unique(places.partition[stored]).tolist():
        offsets = places.offset[stored & (places.partition == partition)]
        ranges[str(partition)] = {
            "first_offset": int(offsets.min()),
            "last_offset": int(offsets.max()),
            "events": len(offsets),
        }
    return {
        "accepted": places.stored,
        "rejected": len(intake.rejected),
        "unacknowledged": len(intake.index) - places.stored,
        "duplicates_in_request": len(intake.duplicates),
        "rejections": [_rejection(rejected) for rejected in intake.rejected],
        "positions": ranges,
    }


def _detail(intake: Intake, places: Places) -> dict[str, Any]:
    columns = zip(
        intake.index.tolist(), places.partition.tolist(), places.offset.tolist(), places.position.tolist(), strict=True
    )
    events = [_event(intake, *row) for row in columns]
    events += [_rejection(rejected) | {"status": "rejected"} for rejected in intake.rejected]
    events.sort(key=lambda event: event["index"])
    return {"accepted": places.stored, "rejected": len(intake.rejected), "events": events}


def _event(intake: Intake, index: int, partition: int, offset: int, position: int) -> dict[str, Any]:
    event: dict[str, Any] = {"index": index, "event_id": names_in(intake.texts[index])[0]}
    if offset == _UNKNOWN:
        event |= {"status": "unacknowledged"}
    else:
        event |= {"status": "accepted", "partition": partition, "offset": offset, "position": position}
    return event | {"duplicate_in_request": True} if index in intake.duplicates else event


def _rejection(rejected: Rejected) -> dict[str, Any]:
    event_id = names_in(rejected.raw)[0]
    named = {"event_id": event_id} if event_id else {}
    return {"index": rejected.index, **named, "reason": rejected.reason}
