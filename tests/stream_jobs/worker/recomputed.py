"""The same log counted once more, one event after the other in plain Python: what every run must give."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.stream_jobs.worker.sent import (
    DEFAULT_ZONE,
    INPUT_NANO_USD,
    OUTPUT_NANO_USD,
    PARTITIONS,
    REGISTERED,
    Log,
    Posted,
    Sent,
)
from warehouse.families import FAMILIES, Family

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = LATE = timedelta(minutes=15)
Key = tuple[Any, ...]
Sums = dict[Key, dict[str, int]]
BY_TABLE = {family.table: family for family in FAMILIES}


@dataclass(slots=True)
class Accepted:
    """An event that counts, and where it stands."""

    sent: Sent
    partition: int
    offset: int
    late: bool

    def place(self, grain: str) -> tuple[int, date]:
        """Start of its bucket (Unix seconds) and the local date on which day or week begin."""
        zone, week_start = REGISTERED.get(self.sent.organization, (DEFAULT_ZONE, 1))
        local = self.sent.time.astimezone(ZoneInfo(zone))
        seconds = int(self.sent.time.timestamp())
        if grain == "quarter":
            return seconds - seconds % 900, local.date()
        if grain == "hour":
            return seconds - local.minute * 60 - local.second, local.date()
        back = (local.isoweekday() - week_start) % 7 if grain == "week" else 0
        day = local.date() - timedelta(days=back)
        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()), day

    def keys(self, family: Family, grain: str) -> list[Key]:
        """Key of its row: organisation, bucket, dimensions, partition; none when the family leaves it out."""
        if family.only and not self.columns[family.only]:
            return []
        dimensions = (self.columns[name] for name in family.dimensions)
        return [(self.sent.organization, self.place(grain)[0], *dimensions, self.partition)]

    @property
    def measures(self) -> dict[str, int]:
        """What it adds to its rows."""
        sent = self.sent
        known = sent.model == "large"
        cost = (sent.input_tokens * INPUT_NANO_USD + sent.output_tokens * OUTPUT_NANO_USD) if known else 0
        told = {
            "requests": 1,
            "errors": int(sent.status != "success"),
            "input_tokens": sent.input_tokens,
            "output_tokens": sent.output_tokens,
            "total_input_tokens": sent.input_tokens,
            "total_output_tokens": sent.output_tokens,
            "cost_nano_usd": cost,
            "billed_nano_usd": cost if sent.billing == "SYSTEM" else 0,
            "credits_micro": 1_000_000 if sent.input_tokens or sent.output_tokens else 0,
            "duration_ms": sent.duration_ms or 0,
            "timed_requests": int(sent.duration_ms is not None),
            "unpriced_requests": int(not known),
            "late_requests": int(self.late),
            "rating_sum": sent.rating or 0,
            "rated_requests": int(sent.rating is not None),
        }
        return defaultdict(int, told)

    @property
    def columns(self) -> dict[str, str]:
        """Its values in the dimensions of the families."""
        sent = self.sent
        told = {
            "user_id": sent.user,
            "thread_id": sent.thread,
            "prompt_id": sent.prompt,
            "category": sent.category,
            "provider": "maker",
            "model": sent.model,
            "billing_type": sent.billing,
            "status": sent.status,
        }
        return defaultdict(str, told)


@dataclass(slots=True)
class Recomputed:
    """The log's truth: what counts, and the counters of each partition."""

    log: Log
    window: int
    accepted: list[Accepted] = field(default_factory=list)
    counts: dict[int, dict[str, int]] = field(init=False)

    def __post_init__(self) -> None:
        names = ("seen", "accepted", "duplicates", "rejected")
        self.counts = {partition: dict.fromkeys(names, 0) for partition in PARTITIONS.values()}
        for partition in self.counts:
            self._read(partition)

    def rows(self, table: str, grain: str, until: datetime | None = None) -> Sums:
        """Sums of one family and grain by organisation, bucket, dimensions and partition."""
        family, sums = BY_TABLE[table], Sums()
        for event in self.accepted:
            if until is not None and event.sent.time >= until:
                continue
            for key in event.keys(family, grain):
                row = sums.setdefault(key, dict.fromkeys(family.measures, 0))
                for measure in family.measures:
                    row[measure] += event.measures[measure]
        return sums

    def offsets(self, table: str) -> dict[Key, int]:
        """The last offset in each quarter hour's row."""
        tops: dict[Key, int] = {}
        for event in self.accepted:
            for key in event.keys(BY_TABLE[table], "quarter"):
                tops[key] = max(event.offset, tops.get(key, -1))
        return tops

    def periods(self, since: datetime = EARLIEST) -> set[tuple[int, str, str, date]]:
        """Every local day and week with usage."""
        return {
            (event.partition, event.sent.organization, grain, event.place(grain)[1])
            for event in self.accepted
            if event.sent.time >= since
            for grain in ("day", "week")
        }

    def _read(self, partition: int) -> None:
        counts, near, known = self.counts[partition], dict[tuple[str, int], int](), set[tuple[str, int, datetime]]()
        for offset, append, event in self._events(partition):
            key = (event.organization, event.number)
            if event.time > append + AHEAD or event.time < EARLIEST:
                counts["rejected"] += 1
            elif (key in near and counts["accepted"] - near[key] <= self.window) or (*key, event.time) in known:
                counts["duplicates"] += 1
            else:
                near[key] = counts["accepted"]
                known.add((*key, event.time))
                counts["accepted"] += 1
                self.accepted.append(Accepted(event, partition, offset, append - event.time > LATE))

    def _events(self, partition: int) -> Iterator[tuple[int, datetime, Sent]]:
        counts = self.counts[partition]
        for envelope, message in zip(self.log.posted, self.log.messages, strict=True):
            if message.partition == partition and isinstance(envelope, Posted):
                counts["rejected"] += envelope.refused
                counts["seen"] += len(envelope.kept) + envelope.refused
                for event in envelope.kept:
                    yield message.offset, datetime.fromtimestamp(message.timestamp, UTC), event
