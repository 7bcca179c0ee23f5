"""A selection as SQL: the exact text, and that it finds what the words say."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from producers.control.selection import FIELDS, EventKey, Selection
from tests.warehouse.recorded import Event
from warehouse.control.selected import EVERYTHING, among, condition

SINCE, UNTIL = datetime(2026, 3, 28, 12, 0, 0, 250_999, UTC), datetime(2026, 3, 30, tzinfo=UTC)


def test_the_text_of_a_selection() -> None:
    selection = Selection(since=SINCE, until=UNTIL, model="it's", user_id="", cost_status="unpriced")
    assert condition("ac\\me", selection) == (
        "organization = 'ac\\\\me' "
        "AND time >= fromUnixTimestamp64Milli(toInt64(1774699200250), 'UTC') "
        "AND time < fromUnixTimestamp64Milli(toInt64(1774828800000), 'UTC') "
        "AND user_id = '' AND model = 'it\\'s' AND cost_status = 'unpriced'"
    )


def test_nothing_narrows_it() -> None:
    assert condition("", Selection()) == EVERYTHING
    assert condition("acme", Selection()) == "organization = 'acme'"


def test_the_text_of_single_events() -> None:
    events = [EventKey(event_id=UUID(int=7), time=SINCE), EventKey(event_id=UUID(int=8), time=UNTIL)]
    assert among("acme", events) == (
        "organization = 'acme' AND (time, event_id) IN ("
        "(fromUnixTimestamp64Milli(toInt64(1774699200250), 'UTC'), toUUID('00000000-0000-0000-0000-000000000007')), "
        "(fromUnixTimestamp64Milli(toInt64(1774828800000), 'UTC'), toUUID('00000000-0000-0000-0000-000000000008')))"
    )


def counted(client: Client, where: str) -> int:
    found = client.query(f"SELECT count() FROM usage_raw FINAL WHERE {where}").result_rows[0][0]
    assert isinstance(found, int)
    return found


@pytest.mark.integration
def test_it_finds_what_the_words_say(usage: Client, recorded: list[Event]) -> None:
    selection = Selection(since=SINCE, until=UNTIL, model="", user_id="it's")
    wanted = [
        event
        for event in recorded
        if event["organization"] == "acme"
        and SINCE.replace(microsecond=250_000) <= event["time"] < UNTIL
        and (event["model"], event["user_id"]) == ("", "it's")
    ]
    assert wanted
    assert counted(usage, condition("acme", selection)) == len(wanted)
    assert counted(usage, condition("", Selection())) == len(recorded)
    keys = [EventKey(event_id=event["event_id"], time=event["time"]) for event in wanted]
    strangers = [EventKey(event_id=event["event_id"], time=UNTIL) for event in wanted]
    assert counted(usage, among("acme", keys + strangers)) == len(wanted)
    assert counted(usage, among("zen", keys)) == 0


@pytest.mark.integration
@pytest.mark.parametrize("column", FIELDS)
def test_every_field_is_a_column(usage: Client, column: str) -> None:
    assert counted(usage, condition("acme", Selection.model_validate({column: "x y"}))) == 0
