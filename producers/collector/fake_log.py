"""A log in memory that keeps the promises of EventLog, and can be away, slow or partly broken."""

import asyncio
from collections import defaultdict

from producers.collector.event_log import Outcome, Position, Record
from producers.errors import KafkaUnavailable


class FakeLog:
    """records: what was stored, by topic and partition. Tests change the attributes of its second half."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self.closed = False
        self.away: str | None = None
        self.failing_partitions: set[int] = set()
        self.failing_topics: set[str] = set()
        self.held = False
        self._waiting: list[tuple[Record, asyncio.Future[Outcome]]] = []
        self._appended = asyncio.Event()

    async def start(self) -> None:
        """Nothing to connect."""

    def unavailable(self) -> str | None:
        """See EventLog."""
        return self.away

    def append(self, record: Record) -> asyncio.Future[Outcome]:
        """See EventLog."""
        acknowledged: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if self.held:
            self._waiting.append((record, acknowledged))
            self._appended.set()
        else:
            acknowledged.set_result(self._store(record))
        return acknowledged

    def release(self) -> None:
        """Acknowledges what was held back."""
        self.held = False
        waiting, self._waiting = self._waiting, []
        for record, acknowledged in waiting:
            acknowledged.set_result(self._store(record))

    async def until_held(self, records: int) -> None:
        """Returns when so many records are held back."""
        while len(self._waiting) < records:
            self._appended.clear()
            await self._appended.wait()

    async def close(self) -> None:
        """See EventLog."""
        self.release()
        self.closed = True

    def topic(self, name: str) -> list[Record]:
        """All records of a topic."""
        return [record for (topic, _), records in sorted(self.records.items()) if topic == name for record in records]

    def _store(self, record: Record) -> Outcome:
        partition = record.partition or 0
        if self.away or record.topic in self.failing_topics or partition in self.failing_partitions:
            return KafkaUnavailable(self.away or "the broker did not acknowledge")
        stored = self.records[record.topic, partition]
        stored.append(record)
        return Position(partition, len(stored) - 1)
