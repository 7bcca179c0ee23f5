"""Looks at the broker and the warehouse from a thread of its own: what a hanging worker could not find out any more."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass, field

import structlog
import urllib3
from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import ConsumerGroupState, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from stream_jobs.worker.asking_client import asking_client
from stream_jobs.worker.liveness import Answers, Standing
from stream_jobs.worker.settings import WorkerSettings

log = structlog.get_logger()
LOOK_SECONDS = 2.0
ANSWER_SECONDS = 4.0
UNASSIGNED_SECONDS = 6.0
"""How long a settled group may leave partitions to nobody before it is asked to settle anew."""
MOVING = frozenset({ConsumerGroupState.PREPARING_REBALANCING, ConsumerGroupState.COMPLETING_REBALANCING})


@dataclass(frozen=True, slots=True)
class LogEnd:
    """Where a partition ends: the offset of the next record, and the append time of the newest one (Unix ms)."""

    next_offset: int
    newest_ms: int


@dataclass(slots=True)
class Outlook:
    """What was seen last. `answers` and `ends` are replaced whole, so that any thread may read them."""

    settings: WorkerSettings
    ping: Callable[[], object]
    """Asks the warehouse for next to nothing; raises when it does not answer soon."""
    leave: Callable[[str, BaseException], None]
    """Ends the process: one that cannot look outside cannot be judged."""
    rejoin: Callable[[], None]
    """Asks the group to share the partitions out again; must not block. A leader that came back under its name is
    given its old share and never learns that it leads, so that nobody would notice a topic that was made anew or
    has more partitions than before (the broker's static membership, KIP-814)."""
    answers: Answers = field(default_factory=Answers)
    ends: dict[int, LogEnd] = field(default_factory=dict)
    wanted: frozenset[int] = frozenset()
    """Kafka partitions whose ends are asked for."""
    ask_warehouse: bool = False
    _admin: AdminClient = field(init=False)
    _rebalancing_since: float = field(default_factory=time.monotonic)
    _all_assigned_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._admin = asking_client(self.settings.kafka_bootstrap)

    def start(self) -> None:
        """Looks from now on until the process ends."""
        threading.Thread(target=self._look_for_ever, name="outlook", daemon=True).start()

    def _look_for_ever(self) -> None:
        try:
            while True:
                began = time.monotonic()
                self.look(began)
                time.sleep(max(0.1, LOOK_SECONDS - (time.monotonic() - began)))
        except BaseException as failure:  # noqa: BLE001 - the thread would end in silence
            self.leave("looking outside failed", failure)

    def look(self, now: float) -> None:
        """Asks everybody once. now: monotonic seconds."""
        warehouse = self._warehouse_answers() if self.ask_warehouse else True
        try:
            self.ends = self._log_ends()
            standing, assigned = self._standing()
            unassigned = standing is not Standing.REBALANCING and not self._partitions() <= assigned
        except (KafkaException, NoAnswer) as failure:
            self._rebalancing_since = self._all_assigned_at = now
            self.answers = Answers(kafka=False, warehouse=warehouse, why=str(failure)[:200])
            return
        if standing is not Standing.REBALANCING:
            self._rebalancing_since = now
        self.answers = Answers(True, warehouse, standing, now - self._rebalancing_since)
        self._share_out(unassigned, now)

    def _share_out(self, unassigned: bool, now: float) -> None:
        if not unassigned:
            self._all_assigned_at = now
        elif now - self._all_assigned_at >= UNASSIGNED_SECONDS:
            log.warning("partitions belong to nobody: asking the group to share them out again")
            self._all_assigned_at = now
            self.rejoin()

    def _warehouse_answers(self) -> bool:
        try:
            self.ping()
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError):
            return False
        return True

    def _log_ends(self) -> dict[int, LogEnd]:
        where = [TopicPartition(self.settings.events_topic, partition) for partition in sorted(self.wanted)]
        if not where:
            return {}
        specs = (OffsetSpec.latest(), OffsetSpec.max_timestamp())  # type: ignore[no-untyped-call]
        asked = [self._admin.list_offsets(dict.fromkeys(where, spec), request_timeout=ANSWER_SECONDS) for spec in specs]
        ends, newest = (
            {place.partition: future.result(ANSWER_SECONDS) for place, future in answer.items()} for answer in asked
        )
        return {partition: LogEnd(end.offset, newest[partition].timestamp) for partition, end in ends.items()}

    def _partitions(self) -> set[int]:
        topic = self.settings.events_topic
        asked = self._admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_SECONDS)
        return {partition.id for partition in asked[topic].result(ANSWER_SECONDS).partitions}

    def _standing(self) -> tuple[Standing, set[int]]:
        """This worker's place, and the partitions that anybody in the group has."""
        group = self.settings.consumer_group
        asked = self._admin.describe_consumer_groups([group], request_timeout=ANSWER_SECONDS)
        described = asked[group].result(ANSWER_SECONDS)
        if described.state in MOVING:
            return Standing.REBALANCING, set()
        shares = {member.group_instance_id: member.assignment.topic_partitions for member in described.members}
        assigned = {p.partition for member in described.members for p in member.assignment.topic_partitions}
        mine = shares.get(self.settings.member_id)
        if mine is None:
            return Standing.STRANGER, assigned
        return Standing.MEMBER if mine else Standing.STANDBY, assigned
