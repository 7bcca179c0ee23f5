"""Publishes control records: a stored record in, signed Kafka records and their noted places out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from clickhouse_connect.driver.client import Client
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producers.control.bodies import ConfigBody
from producers.control.record import CONTROL, HEADER_CONTENT, HEADER_KIND, HEADER_SIGNATURE, ControlRecord, signature
from stream_jobs.control.settings import ControlSettings
from warehouse.control import outbox
from warehouse.control.contents import Named, stored_content
from warehouse.control.outbox import Unpublished
from warehouse.log_partitions import PARTITIONS_PER_GENERATION

log = structlog.get_logger()
ACKNOWLEDGED_SECONDS = 15.0
MAX_CONTENT = 800_000
"""Bytes; Kafka takes a million in all."""
FORGOTTEN = timedelta(seconds=20)
"""A record that is not published everywhere after so long was left by somebody who died."""


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a request. places: offset by log partition; empty where Kafka has not acknowledged it yet."""

    control_id: str
    places: dict[int, int]
    partitions: tuple[int, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every partition has it."""
        return set(self.places) == set(self.partitions)


@dataclass(slots=True)
class Publisher:
    """One per process. Blocking."""

    settings: ControlSettings
    client: Client
    _producer: Producer | None = field(default=None, init=False)
    _told: set[str] = field(default_factory=set, init=False)
    """Records of which the log says that they stay unpublished."""
    _publishing: set[str] = field(default_factory=set, init=False)
    """Records that threads of this process publish right now."""

    def ask(self, record: ControlRecord) -> Published:
        """Stores a record and publishes it. The same record again is published again where it is missing.

        What was asked for before and is still missing in the same partitions goes first: who reads a revision in the
        log must have read the lower ones, which it includes; and of two corrections of an event the later one holds.
        Raises ControlRefused before anything is stored, NoControlKey, WarehouseUnavailable and WarehouseRefused. Kafka
        need not answer: what is stored is published by `finish` later.
        """
        record.body  # noqa: B018 - refused before it is stored
        partitions = tuple(self.settings.log_partitions(record.organization))
        key = self.settings.control_key()
        values = {number: record.value(number) for number in partitions}
        outbox.store(self.client, record, partitions)
        self._publishing.add(record.control_id)
        try:
            led = all(self._publish(each, key) for each in self._earlier(record, partitions))
            places = self._published(record, values, key) if led else {}
        finally:
            self._publishing.discard(record.control_id)
        return Published(record.control_id, places, partitions)

    def finish(self, now: datetime | None = None) -> int:
        """Publishes what others left unpublished; returns how many records. Raises as `ask` does.

        What was meant for another topic generation stays unpublished: its offsets and events are others here.
        """
        before = (now or datetime.now(UTC)) - FORGOTTEN
        found = outbox.unpublished(self.client, before, self.settings.topic_generation)
        self._tell([each for each in found if each.gone])
        left = [each for each in found if each.partitions]
        key = self.settings.control_key() if left else b""
        held_up: list[Unpublished] = []
        for each in left:
            must_wait = any(_leads(earlier, each.record, each.partitions) for earlier in held_up)
            if must_wait or not self._publish(each, key):
                held_up.append(each)
        return len(left)

    def close(self) -> None:
        """Leaves the broker."""
        if self._producer is not None:
            self._producer.flush(ACKNOWLEDGED_SECONDS)

    def _earlier(self, record: ControlRecord, partitions: Collection[int]) -> list[Unpublished]:
        """Unpublished records that come before it, in their order. What another process publishes right now is among
        them: twice in the log, a record is applied once. What this one does was asked for at the same time."""
        before = record.created + timedelta(milliseconds=1)
        found = outbox.unpublished(self.client, before, self.settings.topic_generation)
        at_once = {record.control_id, *(() if line_of(record) else self._publishing)}
        return [each for each in found if each.record.control_id not in at_once and _leads(each, record, partitions)]

    def _publish(self, left: Unpublished, key: bytes) -> bool:
        """Whether Kafka has it in every partition of this topic now."""
        values = {number: left.record.value(number) for number in left.partitions}
        places = self._published(left.record, values, key)
        log.info("published a control record that was left", control_id=left.record.control_id, places=places)
        return set(places) == set(left.partitions)

    def _tell(self, stranded: Sequence[Unpublished]) -> None:
        """Says of each record once, as long as this process lives, that it stays unpublished."""
        for each in stranded:
            if each.record.control_id not in self._told:
                self._told.add(each.record.control_id)
                log.warning(
                    "a control record of another topic generation is not published: ask for it again",
                    control_id=each.record.control_id,
                    kind=each.record.kind,
                    partitions=each.gone,
                    present_generation=self.settings.topic_generation,
                )

    def _published(self, record: ControlRecord, values: dict[int, bytes], key: bytes) -> dict[int, int]:
        places = self._acknowledged(values, key, self._content(record))
        for number, offset in places.items():
            outbox.note_published(self.client, record.control_id, number, offset)
        return places

    def _content(self, record: ControlRecord) -> bytes | None:
        """The revision that the record puts in force; None when it is stored only later, or is too large to travel."""
        body = record.body
        if not isinstance(body, ConfigBody):
            return None
        found = stored_content(self.client, Named(body.subject, record.organization, body.revision, body.content_hash))
        packed = None if found is None else found.packed()
        if packed is not None and len(packed) > MAX_CONTENT:
            log.warning("a revision is too large for the log", kind=body.subject, revision=body.revision)
            return None
        return packed

    def _acknowledged(self, values: dict[int, bytes], key: bytes, content: bytes | None) -> dict[int, int]:
        """Places by log partition; none where Kafka did not take it."""
        producer, places = self._connected(), dict[int, int]()
        revision = [] if content is None else [(HEADER_CONTENT, content)]

        def told(number: int, error: KafkaError | None, message: Message) -> None:
            if error is None and (offset := message.offset()) is not None:
                places[number] = offset
            else:
                log.warning("kafka did not take a control record", partition=number, reason=str(error))

        try:
            for number, value in values.items():
                producer.produce(
                    self.settings.events_topic,
                    value,
                    partition=number % PARTITIONS_PER_GENERATION,
                    headers=[(HEADER_KIND, CONTROL), (HEADER_SIGNATURE, signature(value, key)), *revision],
                    on_delivery=partial(told, number),
                )
        except (KafkaException, BufferError) as failure:
            log.warning("kafka did not take a control record", reason=str(failure))
        producer.flush(ACKNOWLEDGED_SECONDS)
        return places

    def _connected(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(
                {
                    "bootstrap.servers": self.settings.kafka_bootstrap,
                    "enable.idempotence": True,
                    "message.timeout.ms": round(ACKNOWLEDGED_SECONDS * 1000),
                    "linger.ms": 0,
                }
            )
        return self._producer


def line_of(record: ControlRecord) -> str:
    """What the record's revision belongs to, when it puts one in force: the prices, the multipliers, or the calendar of
    one organisation. Each revision of a line includes all lower ones. Else ""."""
    body = record.body
    if not isinstance(body, ConfigBody):
        return ""
    return f"{body.subject} {record.organization}" if body.subject == "calendar" else body.subject


def comes_after(record: ControlRecord, earlier: ControlRecord) -> bool:
    """Whether a record must not be in the log before one that was asked for earlier: of two revisions the higher one of
    the same line; else what is about the same organisation, so that what is priced again has the prices of then."""
    line, its = line_of(record), line_of(earlier)
    if line and its:
        return line == its and bool(record.content["revision"] > earlier.content["revision"])
    return not record.organization or earlier.organization in ("", record.organization)


def _leads(earlier: Unpublished, record: ControlRecord, partitions: Collection[int]) -> bool:
    """Whether it is missing where the record, which comes after it, goes to."""
    return not set(partitions).isdisjoint(earlier.partitions) and comes_after(record, earlier.record)
