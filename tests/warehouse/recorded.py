"""Usage for tests: a few hundred events of two organisations, with their rollup rows computed in plain Python."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client

from stream_jobs.calendars.local_calendar import LocalCalendar
from warehouse.families import FAMILIES, INPUT_BUCKETS, OUTPUT_BUCKETS, Family
from warehouse.latency_bins import BOUNDS

CALENDARS = {"acme": LocalCalendar("Europe/Paris"), "zen": LocalCalendar("Asia/Kathmandu", week_start=7)}
PARTITIONS = {"acme": 1026, "zen": 1029}
SINCE, UNTIL = datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC)
"""Holds a change of Paris' offset, the end of a month and of a week."""
GRAINS = ("quarter", "hour", "day", "week")
Event = dict[str, Any]


def events(number: int = 300, seed: int = 7) -> list[Event]:
    """Events in log order, ten in an envelope; offsets count per partition."""
    chance = random.Random(seed)
    offsets: dict[int, int] = defaultdict(int)
    made = []
    for _ in range(number):
        organization = chance.choice(["acme", "acme", "zen"])
        partition = PARTITIONS[organization]
        made.append(_event(chance, organization, partition, offsets[partition]))
        offsets[partition] += 1
    return made


def _event(chance: random.Random, organization: str, partition: int, number: int) -> Event:
    milliseconds = chance.randrange((UNTIL - SINCE) // timedelta(milliseconds=1))
    time = SINCE + timedelta(milliseconds=milliseconds)
    seconds = int(time.timestamp())
    place = CALENDARS[organization].place(seconds - seconds % 900)
    tokens = {bucket: chance.choice([0, 0, chance.randrange(5000)]) for bucket in (*INPUT_BUCKETS, *OUTPUT_BUCKETS)}
    cost = chance.randrange(10**8)
    return {
        "event_id": UUID(int=chance.getrandbits(128), version=4),
        "time": time,
        "organization": organization,
        "customer_id": chance.choice(["", "c1", "c2"]),
        "user_id": chance.choice(["u1", "u2", "it's"]),
        "department": chance.choice(["", "sales"]),
        "project": "",
        "feature": chance.choice(["chat", "search"]),
        "prompt_id": chance.choice(["", "p1", "p2", "p3"]),
        "prompt_name": "Prompt",
        "thread_id": chance.choice(["", "t1", "t2"]),
        "api_key_id": "k1",
        "provider": chance.choice(["openai", "anthropic"]),
        "model": chance.choice(["gpt-4o", "opus", ""]),
        "event_type": "token_usage",
        "billing_type": chance.choice(["SYSTEM", "BYOK"]),
        "plan": "PRO",
        "status": chance.choice(["success", "success", "error", "cancelled"]),
        **tokens,
        "duration_ms": chance.choice([None, 0, chance.randrange(20_000)]),
        "time_to_first_token_ms": chance.choice([None, chance.randrange(900)]),
        "category": chance.choice(["", "code", "mail"]),
        "rating": chance.choice([None, 1, 5]),
        "cost_nano_usd": cost,
        "billed_nano_usd": chance.choice([0, cost]),
        "credits_micro": chance.randrange(10**7),
        "cost_status": chance.choice(["priced", "unpriced", "partial"]),
        "hour": datetime.fromtimestamp(place.hour, UTC),
        "day": place.day,
        "week": place.week,
        "late": chance.choice([0, 0, 1]),
        "append_time": time + timedelta(milliseconds=500),
        "src_partition": partition,
        "src_offset": number // 10,
        "src_index": number % 10,
    }


def measures_of(event: Event) -> dict[str, int]:
    """What an event adds to each measure."""
    return {
        **{bucket: event[bucket] for bucket in (*INPUT_BUCKETS, *OUTPUT_BUCKETS)},
        "requests": 1,
        "errors": int(event["status"] != "success"),
        "total_input_tokens": sum(event[bucket] for bucket in INPUT_BUCKETS),
        "total_output_tokens": sum(event[bucket] for bucket in OUTPUT_BUCKETS),
        "cost_nano_usd": event["cost_nano_usd"],
        "billed_nano_usd": event["billed_nano_usd"],
        "credits_micro": event["credits_micro"],
        "duration_ms": event["duration_ms"] or 0,
        "timed_requests": int(event["duration_ms"] is not None),
        "time_to_first_token_ms": event["time_to_first_token_ms"] or 0,
        "first_token_requests": int(event["time_to_first_token_ms"] is not None),
        "unpriced_requests": int(event["cost_status"] in ("unpriced", "partial")),
        "late_requests": event["late"],
        "rating_sum": event["rating"] or 0,
        "rated_requests": int(event["rating"] is not None),
    }


def bucket_of(event: Event, grain: str) -> datetime:
    """Start of the event's bucket."""
    seconds = int(event["time"].timestamp())
    calendar = CALENDARS[event["organization"]]
    starts = {
        "quarter": seconds - seconds % 900,
        "hour": int(event["hour"].timestamp()),
        "day": calendar.day(event["day"]).start,
        "week": calendar.week(event["week"]).start,
    }
    return datetime.fromtimestamp(starts[grain], UTC)


def place_of(event: Event, grain: str) -> tuple[datetime, date, date]:
    """hour, day and week columns of the event's row."""
    if grain in ("quarter", "hour"):
        return event["hour"], event["day"], event["week"]
    return bucket_of(event, grain), event["day"] if grain == "day" else event["week"], event["week"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table."""

    table: str
    columns: Sequence[str]
    values: list[list[Any]]

    def insert(self, client: Client) -> None:
        """Writes them."""
        if self.values:
            client.insert(self.table, self.values, column_names=list(self.columns))


def raw_rows(recorded: Sequence[Event]) -> Rows:
    """usage_raw."""
    return Rows("usage_raw", list(recorded[0]), [list(event.values()) for event in recorded])


def rollup_rows(recorded: Iterable[Event], family: Family, grain: str) -> Rows:
    """One family and grain."""
    sums: dict[tuple[Any, ...], dict[str, int]] = {}
    offsets: dict[tuple[Any, ...], int] = {}
    for event in recorded:
        if family.only and not event[family.only]:
            continue
        dimensions = [event[name] for name in family.dimensions]
        key = (event["organization"], bucket_of(event, grain), *dimensions, event["src_partition"])
        key += place_of(event, grain)
        row = sums.setdefault(key, dict.fromkeys(family.measures, 0))
        added = measures_of(event)
        for measure in family.measures:
            row[measure] += added[measure]
        offsets[key] = max(offsets.get(key, -1), event["src_offset"])
    columns = ["grain", "organization", "bucket", *family.dimensions, "src_partition", "hour", "day", "week"]
    columns += [*family.measures, "offset"]
    return Rows(family.table, columns, [[grain, *key, *row.values(), offsets[key]] for key, row in sums.items()])


def latency_values(event: Event) -> dict[str, int]:
    """The metrics an event carries."""
    output = sum(event[bucket] for bucket in OUTPUT_BUCKETS)
    duration, first_token = event["duration_ms"], event["time_to_first_token_ms"]
    values = {
        "duration_ms": duration,
        "time_to_first_token_ms": first_token,
        "output_tokens_per_1000_s": output * 1_000_000 // duration if duration and output else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def latency_rows(recorded: Iterable[Event], grain: str) -> Rows:
    """rollup_latency."""
    counts: dict[tuple[Any, ...], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for event in recorded:
        for metric, value in latency_values(event).items():
            bin_number = next(number for number, bound in enumerate(BOUNDS) if value <= bound)
            key = (event["organization"], bucket_of(event, grain), event["provider"], event["model"], metric)
            counts[(*key, event["src_partition"], *place_of(event, grain))][bin_number] += 1
    columns = ["grain", "organization", "bucket", "provider", "model", "metric", "src_partition"]
    columns += ["hour", "day", "week", "bins", "counts", "offset"]
    rows = [[grain, *key, sorted(bins), [bins[b] for b in sorted(bins)], 0] for key, bins in counts.items()]
    return Rows("rollup_latency", columns, rows)


def progress_rows(recorded: Sequence[Event]) -> Rows:
    """partition_progress after all of them, with one duplicate and one refusal per partition."""
    columns = ["topic", "src_partition", "applied_offset", "applied_time", "seen", "accepted", "duplicates", "rejected"]
    rows = []
    for partition in sorted({event["src_partition"] for event in recorded}):
        mine = [event for event in recorded if event["src_partition"] == partition]
        last, clock = max(event["src_offset"] for event in mine), max(event["append_time"] for event in mine)
        rows.append(["usage.events", partition, last, clock, len(mine) + 2, len(mine), 1, 1])
    return Rows("partition_progress", columns, rows)


def directory_rows() -> Rows:
    """organizations."""
    columns = ["organization", "effective_from", "time_zone", "week_start", "registered"]
    since = datetime(1970, 1, 1, tzinfo=UTC)
    rows = [[name, since, c.time_zone, c.week_start, 1] for name, c in CALENDARS.items()]
    return Rows("organizations", columns, rows)


def name_rows() -> Rows:
    """What the directory calls them."""
    columns = ["organization", "kind", "entity_id", "effective_from", "display_name", "created"]
    since = datetime(1970, 1, 1, tzinfo=UTC)
    rows = [[name, "organization", name, since, name.title(), since] for name in CALENDARS]
    return Rows("directory_entries", columns, rows)


def store(client: Client, recorded: Sequence[Event]) -> None:
    """Writes events, every family at every grain, progress and the directory."""
    raw_rows(recorded).insert(client)
    for grain in GRAINS:
        for family in FAMILIES:
            rollup_rows(recorded, family, grain).insert(client)
        if grain != "quarter":
            latency_rows(recorded, grain).insert(client)
    progress_rows(recorded).insert(client)
    directory_rows().insert(client)
    name_rows().insert(client)
