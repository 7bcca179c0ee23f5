"""Known usage of two organisations: calls as plain Python values, and the warehouse rows they make."""

import random
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client

ZONES = {"acme": "Europe/Paris", "globex": "Asia/Kolkata"}
"""One of them has hours that begin at half past in UTC."""
MODELS = {"gpt-4o": "openai", "gpt-4o-mini": "openai", "claude-sonnet-4-5": "anthropic"}
FIRST, LAST = datetime(2026, 9, 20, tzinfo=UTC), datetime(2026, 11, 14, tzinfo=UTC)
CALLS_PER_DAY = 8


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a model."""

    time: datetime
    organization: str
    user_id: str
    model: str
    status: str
    input_tokens: int
    output_tokens: int
    cost_nano_usd: int
    credits_micro: int

    @property
    def local(self) -> datetime:
        """Its time on the organisation's clock."""
        return self.time.astimezone(ZoneInfo(ZONES[self.organization]))

    @property
    def day(self) -> date:
        """Its date in the organisation's calendar."""
        return self.local.date()

    @property
    def hour(self) -> datetime:
        """Start of its local hour, as an instant."""
        return self.local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)

    @property
    def cost_usd(self) -> Decimal:
        """Its exact cost."""
        return Decimal(self.cost_nano_usd).scaleb(-9)


def calls() -> list[Call]:
    """The same calls every time."""
    chance = random.Random(6)
    return [
        call_of(FIRST + timedelta(days=day), chance) for day in range((LAST - FIRST).days) for _ in range(CALLS_PER_DAY)
    ]


def call_of(day: datetime, chance: random.Random) -> Call:
    """Any call of the day."""
    return Call(
        time=day + timedelta(milliseconds=chance.randrange(86_400_000)),
        organization=chance.choice(list(ZONES)),
        user_id=chance.choice(["", "ada", "bob", "eve"]),
        model=chance.choice(list(MODELS)),
        status=chance.choice(["success"] * 8 + ["error", "cancelled"]),
        input_tokens=chance.randrange(10_000),
        output_tokens=chance.randrange(2_000),
        cost_nano_usd=chance.randrange(10**9),
        credits_micro=chance.randrange(10**7),
    )


def store(client: Client, made: list[Call]) -> None:
    """Writes the calls as events and as closed hours and days."""
    events: list[tuple[object, ...]] = []
    rollup: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0] * len(MEASURES))
    for index, call in enumerate(made):
        week = call.day - timedelta(days=call.day.weekday())
        dimensions = (call.organization, call.user_id, MODELS[call.model], call.model, call.status, call.day, week)
        measures = (1, call.input_tokens, call.output_tokens, call.cost_nano_usd, call.credits_micro)
        events.append((uuid.UUID(int=index), call.time, *dimensions, *measures[1:], "priced", call.time, 0, index, 0))
        midnight = call.local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        for grain, bucket in (("hour", call.hour), ("day", midnight)):
            row = rollup[(grain, bucket, bucket, *dimensions)]
            row[:] = [total + value for total, value in zip(row, measures, strict=True)]
    client.insert("usage_raw", events, column_names=["event_id", "time", *DIMENSIONS, *MEASURES[1:], *POSITION])
    rows = [(*key, *sums, 0, len(made)) for key, sums in rollup.items()]
    columns = ["grain", "bucket", "hour", *DIMENSIONS, *MEASURES, "src_partition", "offset"]
    client.insert("rollup", rows, column_names=columns)


DIMENSIONS = ["organization", "user_id", "provider", "model", "status", "day", "week"]
MEASURES = ["requests", "input_tokens", "output_tokens", "cost_nano_usd", "credits_micro"]
POSITION = ["cost_status", "append_time", "src_partition", "src_offset", "src_index"]
