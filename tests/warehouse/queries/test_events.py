"""The text of the event statements: narrow keys first, one page by position, times as exact milliseconds."""

from datetime import UTC, date, datetime
from uuid import UUID

from warehouse.queries.events import COLUMNS, EventCount, EventFilter, LatestEvents, Position
from warehouse.queries.query import milliseconds
from warehouse.queries.selection import Selection

MOMENT = datetime(2026, 3, 14, 9, 26, 53, 589_000, tzinfo=UTC)
ORDER = "ORDER BY time DESC, organization DESC, event_id DESC"


def test_the_newest_of_everything() -> None:
    assert LatestEvents(limit=10).sql == (
        f"SELECT {', '.join(COLUMNS)}\nFROM usage_events\nWHERE (organization, time, event_id) IN\n(\n"
        f"    SELECT organization, time, event_id FROM usage_events  {ORDER} LIMIT {{limit:UInt64}}\n)\n{ORDER}"
    )


def test_every_filter_and_a_cursor() -> None:
    wanted = EventFilter(Selection("acme", last_day=date(2026, 3, 14)), MOMENT, MOMENT, "Ab")
    question = LatestEvents(wanted, 10, Position(MOMENT, "acme", UUID(int=5)))
    assert (
        "WHERE organization = {organization:String} AND day <= {last_day:Date} "
        "AND time >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC') "
        "AND time < fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC') "
        "AND positionCaseInsensitiveUTF8(concatWithSeparator('\\n', toString(event_id), source_id, customer_id, "
        "user_id, prompt_id, thread_id, message_id), {search:String}) > 0 "
        "AND time <= fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC') "
        "AND (time, organization, event_id) < (fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC'), "
        "{after_organization:String}, {after_event_id:UUID}) ORDER BY"
    ) in question.sql
    assert question.parameters == {
        "organization": "acme",
        "last_day": "2026-03-14",
        "since_ms": 1773480413589,
        "until_ms": 1773480413589,
        "search": "Ab",
        "limit": 10,
        "after_ms": 1773480413589,
        "after_organization": "acme",
        "after_event_id": str(UUID(int=5)),
    }
    assert EventCount(wanted).sql.startswith("SELECT count() FROM usage_events WHERE organization = ")


def test_milliseconds_are_exact() -> None:
    assert milliseconds(datetime(2149, 6, 6, 23, 59, 59, 999_999, tzinfo=UTC)) == 5662310399999
