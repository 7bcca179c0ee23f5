"""Whether what was refused before an erasure stands in its table: the topic's ends in, yes or no out. Blocking.

Refusals are stored by a process of their own. One that is late would store bytes of a user whose name nobody knows any
more after the second sweep, so that one waits for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from confluent_kafka import KafkaException

from stream_jobs.erasure.removal import Hand
from warehouse.literals import quoted

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Offsets of a partition: of the first record that it still has, and behind its last one."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Refusals:
    """The topic of refusals as those see it who sweep. bounds: asks Kafka; raises KafkaException."""

    hand: Hand
    topic: str
    bounds: Callable[[], Mapping[int, Bounds]]
    _awaited: dict[str, Mapping[int, Bounds]] = field(default_factory=dict)

    def are_stored(self, control_id: str) -> bool:
        """Whether all are stored that the topic had when this was first asked about the erasure."""
        if control_id not in self._awaited:
            try:
                self._awaited[control_id] = self.bounds()
            except KafkaException as silence:
                log.warning("kafka does not tell what was refused: an erasure waits", reason=str(silence)[:300])
                return False
        topic = quoted(self.topic)
        stored = dict(
            self.hand.rows(f"SELECT partition, next_offset FROM rejected_progress FINAL WHERE topic = {topic}")
        )
        bounds = self._awaited[control_id]
        late = {
            number: each.end for number, each in bounds.items() if max(stored.get(number, 0), each.start) < each.end
        }
        if late:
            log.warning("an erasure waits until what was refused before it is stored", control_id=control_id, ends=late)
            return False
        del self._awaited[control_id]
        return True
