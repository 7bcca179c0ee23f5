"""Looks into what was quarantined without risk: a refusal in, its events out once they do no harm in a child."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from stream_jobs.replays.payloads import Payload, payloads
from stream_jobs.worker.poison.trial import Child, Trial
from stream_jobs.worker.rules import rules_from
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.take import Envelope
from tokentally.envelope import MAX_EVENTS
from warehouse.queries.refused import Refused
from warehouse.settings import WarehouseSettings


class Rehearsal:
    """Works on quarantined events as a worker would, in a process of their own."""

    def __init__(self, warehouse: WarehouseSettings, settings: WorkerSettings) -> None:
        self._child = Child(partial(rules_from, warehouse, settings), settings)

    def payloads(self, refused: Refused, edited: bytes | None) -> list[Payload]:
        """The events of a refusal, with why those that still do harm are not to be sent."""
        if edited is None and refused.index is None:
            problem = self._failure(refused, refused.raw)
            if problem:
                return [Payload(refused.rejection_id, 0, b"", f"still deadly: the envelope {problem}")]
        made = payloads(refused, edited)
        if not self._failure(refused, _block(made)):
            return made
        return [self._tried(refused, payload) for payload in made]

    def close(self) -> None:
        """Ends the child."""
        self._child.close()

    def _tried(self, refused: Refused, payload: Payload) -> Payload:
        problem = "" if payload.problem else self._failure(refused, payload.text)
        return replace(payload, problem=f"still deadly: the event {problem}") if problem else payload

    def _failure(self, refused: Refused, value: bytes) -> str:
        append_ms = round(refused.time.timestamp() * 1000)
        envelope = Envelope((refused.partition or 0) % 1024, refused.offset or 0, append_ms, None, value)
        return self._child.ask(Trial(envelope)).failure


def _block(made: Sequence[Payload]) -> bytes:
    return b"\n".join(payload.text for payload in made[:MAX_EVENTS] if not payload.problem) or b" "
