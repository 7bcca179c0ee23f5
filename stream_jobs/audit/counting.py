"""Compares running totals with the log: warehouse and Kafka in, a comparison and notes out; counts are kept."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from clickhouse_connect.driver.exceptions import Error
from confluent_kafka import KafkaException

from stream_jobs.audit import log_reader
from stream_jobs.audit.log_reader import Stretch
from stream_jobs.errors import LogSilent
from stream_jobs.worker.poison.quarantine import Held, Quarantine
from stream_jobs.worker.resume import LogInspector, LogState
from warehouse.client import WRITE_SETTINGS, classified
from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.query import Query
from warehouse.queries.reconcile.difference import Comparison, Difference
from warehouse.queries.reconcile.identities import ErasedEvents, LoggedIdentities, Sums
from warehouse.queries.reconcile.log_counts import Counted, LogCount, Plan, RunningTotals, SetApart, compare, plan
from warehouse.queries.reconcile.reconcile import Reconciler

KEEP_EVERY_SECONDS = 30.0
COLUMNS = ("src_partition", "topic_id", "offset", "seen", "accepted", "started_at_offset")


@dataclass(slots=True)
class LogCounter:
    """Counts what is new in the log since the last time. inspector and source reach Kafka."""

    reconciler: Reconciler
    topic: str
    inspector: LogInspector
    source: Any
    notes: list[str] = field(default_factory=list)

    def compared(self, advance: Callable[[float], None] = lambda _: None) -> Comparison:
        """Totals against the log, each partition of the present generation at its applied offset as it was read before.

        A Kafka that does not answer leaves a note and compares nothing. Raises WarehouseUnavailable.
        """
        every = self._ask(RunningTotals(self.topic))
        generation = max((each.partition // PARTITIONS_PER_GENERATION for each in every), default=0)
        totals = [each for each in every if each.partition // PARTITIONS_PER_GENERATION == generation]
        if not totals:
            return Comparison(0, 0)
        try:
            state = self.inspector.state([each.kafka_partition for each in totals])
            plans = self._plans(totals, state)
            seen = self._count(plans, advance)
        except (KafkaException, LogSilent, TimeoutError) as silence:
            self.notes.append(f"running totals were not compared with the log: {silence}")
            return Comparison(0, 0)
        found: list[Difference] = []
        for each in plans:
            count = self._finished(each, seen.get(each.counted.kafka_partition, 0))
            found += compare(each.counted, count, self.topic)
        advance(1.0)
        return Comparison(len(plans), len(found), tuple(found))

    def _ask(self, query: Query[Any]) -> Any:
        return self.reconciler.ask(query)

    def _plans(self, totals: list[Counted], state: LogState) -> list[Plan]:
        plans = []
        for each in totals:
            made = plan(each, state.topic_id, state.start[each.kafka_partition])
            if isinstance(made, Plan):
                plans.append(made)
                self.notes += [made.note] if made.note else []
            else:
                self.notes.append(made)
        return plans

    def _count(self, plans: list[Plan], advance: Callable[[float], None]) -> dict[int, int]:
        """Events of each stretch by Kafka partition; keeps what was counted from time to time."""
        by_partition = {each.counted.kafka_partition: each for each in plans}
        stretches = {partition: Stretch(each.first, each.last) for partition, each in by_partition.items()}
        messages = max(1, sum(max(0, each.last - each.first + 1) for each in stretches.values()))
        places: dict[int, tuple[int, int]] = {}
        keep_at = time.monotonic() + KEEP_EVERY_SECONDS
        apart = {each.counted.kafka_partition: self._apart(each) for each in plans}
        for reached in log_reader.read(self.source, self.topic, stretches, apart):
            places |= reached
            advance(sum(offset - stretches[number].first + 1 for number, (offset, _) in places.items()) / messages)
            if time.monotonic() >= keep_at:
                keep_at = time.monotonic() + KEEP_EVERY_SECONDS
                for number, (offset, events) in places.items():
                    self._keep(by_partition[number], offset, events)
        return {number: events for number, (_, events) in places.items()}

    def _apart(self, each: Plan) -> Quarantine:
        found = Quarantine()
        for offset, index in self._ask(SetApart(each.counted.partition, each.base.offset)):
            found.hold(offset, {index: Held("set apart")})
        return found

    def _finished(self, each: Plan, events: int) -> LogCount:
        return self._keep(each, max(each.last, each.base.offset), events)

    def _keep(self, each: Plan, offset: int, events: int) -> LogCount:
        counted, base = each.counted, each.base
        accepted = base.accepted + self._stored_or_erased(counted.partition, base.offset, offset)
        count = replace(base, offset=offset, seen=base.seen + events, accepted=accepted)
        row = [counted.partition, counted.topic_id, count.offset, count.seen, count.accepted, count.started_at]
        try:
            self.reconciler.client.insert("log_counts", [row], column_names=COLUMNS, settings=WRITE_SETTINGS)
        except (Error, OSError) as failure:
            raise classified(failure) from failure
        return count

    def _stored_or_erased(self, partition: int, above: int, to: int) -> int:
        """Asked again while an erasure removes events between the questions: what is kept is never counted again."""
        erased: int = self._ask(ErasedEvents(partition, above, to))
        while True:
            stored: Sums = self._ask(LoggedIdentities(partition, above, to))
            before, erased = erased, self._ask(ErasedEvents(partition, above, to))
            if erased == before:
                return stored[0] + erased
