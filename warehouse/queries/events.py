"""Single events, newest first: filters and a cursor in, one page out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from warehouse.queries.query import Rows, milliseconds, utc
from warehouse.queries.selection import Selection

SEARCHED = ("toString(event_id)", "source_id", "customer_id", "user_id", "prompt_id", "thread_id", "message_id")
"""The ids a text search looks into."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as the view usage_events shows it; fields are its columns."""

    event_id: UUID
    source_id: str
    time: datetime
    organization: str
    customer_id: str
    user_id: str
    department: str
    project: str
    feature: str
    prompt_id: str
    prompt_name: str
    thread_id: str
    message_id: str
    api_key_id: str
    provider: str
    model: str
    event_type: str
    billing_type: str
    plan: str
    status: str
    error_code: str
    service_tier: str
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    audio_tokens: int
    image_tokens: int
    video_tokens: int
    total_input_tokens: int
    total_output_tokens: int
    total_tokens: int
    quantities: dict[str, Decimal]
    duration_ms: int | None
    time_to_first_token_ms: int | None
    category: str
    rating: int | None
    prompt_preview: str
    cost_usd: Decimal
    billed_usd: Decimal
    credits: Decimal
    reported_cost_usd: Decimal | None
    cost_status: str
    price_revision: int
    late: bool
    received: datetime
    metadata: dict[str, str]


COLUMNS = tuple(field.name for field in fields(Event))


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the identity of its last event."""

    time: datetime
    organization: str
    event_id: UUID


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: a selection, an interval of time (end excluded) and a text inside one of the ids."""

    selection: Selection = field(default_factory=Selection)
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""

    @property
    def where(self) -> str:
        """The clause, empty when everything is selected."""
        return _where(self.selection, self.conditions)

    @property
    def conditions(self) -> list[str]:
        """What the clause says beyond the selection; empty ones count for nothing."""
        searched = f"concatWithSeparator('\\n', {', '.join(SEARCHED)})"
        return [
            "time >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')" if self.since else "",
            "time < fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC')" if self.until else "",
            f"positionCaseInsensitiveUTF8({searched}, {{search:String}}) > 0" if self.search else "",
        ]

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders in `where`."""
        values = dict(self.selection.parameters)
        if self.since:
            values["since_ms"] = milliseconds(self.since)
        if self.until:
            values["until_ms"] = milliseconds(self.until)
        if self.search:
            values["search"] = self.search
        return values


@dataclass(frozen=True, slots=True)
class LatestEvents:
    """At most `limit` events that come after `after` when the newest is first."""

    filter: EventFilter = field(default_factory=EventFilter)
    limit: int = 100
    after: Position | None = None

    @property
    def sql(self) -> str:
        """The statement: narrow keys are sorted first, so that wide rows are read only for one page."""
        position = (
            "(time, organization, event_id) < (fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC'), "
            "{after_organization:String}, {after_event_id:UUID})"
        )
        # The tuple alone would not let the engine skip months: the first part is repeated.
        earlier = "time <= fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC')"
        where = _where(self.filter.selection, [*self.filter.conditions, *([earlier, position] if self.after else [])])
        order = "ORDER BY time DESC, organization DESC, event_id DESC"
        return f"""SELECT {", ".join(COLUMNS)}
FROM usage_events
WHERE (organization, time, event_id) IN
(
    SELECT organization, time, event_id FROM usage_events {where} {order} LIMIT {{limit:UInt64}}
)
{order}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the filter, the page's size and where it starts."""
        values = {**self.filter.parameters, "limit": self.limit}
        if self.after:
            values["after_ms"] = milliseconds(self.after.time)
            values["after_organization"] = self.after.organization
            values["after_event_id"] = str(self.after.event_id)
        return values

    def read(self, rows: Rows) -> list[Event]:
        """One event per row."""
        return [_event(dict(zip(COLUMNS, row, strict=True))) for row in rows]


@dataclass(frozen=True, slots=True)
class EventCount:
    """How many events a filter selects."""

    filter: EventFilter

    @property
    def sql(self) -> str:
        """The statement."""
        return f"SELECT count() FROM usage_events {self.filter.where}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the filter."""
        return self.filter.parameters

    def read(self, rows: Rows) -> int:
        """The one number."""
        return int(rows[0][0])


def _where(selection: Selection, conditions: list[str]) -> str:
    wanted = [selection.where.removeprefix("WHERE "), *conditions]
    text = " AND ".join(filter(None, wanted))
    return f"WHERE {text}" if text else ""


def _event(values: dict[str, object]) -> Event:
    for name in ("time", "received"):
        instant = values[name]
        if isinstance(instant, datetime):
            values[name] = utc(instant)
    return Event(**{**values, "late": bool(values["late"])})  # type: ignore[arg-type]
