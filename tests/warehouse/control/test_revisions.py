"""Revisions are numbered, hashed and stored once; their history says where they are in force."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.calendars.local_calendar import LocalCalendar
from stream_jobs.pricing.seed import seed
from tests.warehouse.control.asked import NOW, logged, record
from tests.warehouse.engine import Engine
from warehouse.control import revisions
from warehouse.control.history import Changed, History, Line, RevisionLines, Switch, difference
from warehouse.errors import InvalidOrganization, NothingChanges, WarehouseRefused
from warehouse.queries.query import ask

PARIS = revisions.calendar_content("Europe/Paris", 1, datetime(2026, 4, 30, 22, tzinfo=UTC))


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.database() as (client, _):
        yield client


def test_the_hash_is_that_of_canonical_json() -> None:
    assert revisions.canonical(PARIS) == (
        '{"effective_from":"2026-04-30T22:00:00+00:00","time_zone":"Europe/Paris","week_start":1}'
    )
    turned = dict(reversed(PARIS.items()))
    assert revisions.content_hash(turned) == revisions.content_hash(PARIS)
    assert len(revisions.content_hash(PARIS)) == 64


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("Europe/Paris", date(2026, 5, 1), datetime(2026, 4, 30, 22, tzinfo=UTC)),
        ("Asia/Kathmandu", date(2026, 5, 1), datetime(2026, 4, 30, 18, 15, tzinfo=UTC)),
        # Its midnight was skipped: the day begins at one o'clock.
        ("America/Havana", date(2026, 3, 8), datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ],
)
def test_a_change_begins_with_a_day_of_the_present_calendar(zone: str, day: date, start: datetime) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert revisions.start_of_change(day, LocalCalendar(zone).day(day).start, now) == start


def test_it_is_a_quarter_hour_everywhere() -> None:
    assert revisions.start_of_change(date(2026, 5, 1), 1777586401, NOW).timestamp() == 1777587300


def test_a_change_needs_notice() -> None:
    start = int(datetime(2026, 4, 2, 12, 45, tzinfo=UTC).timestamp())
    with pytest.raises(InvalidOrganization, match="an hour's notice"):
        revisions.start_of_change(date(2026, 4, 3), start, NOW)
    assert revisions.start_of_change(date(2026, 4, 3), start + 900, NOW).minute == 0


def test_a_change_begins_while_the_warehouse_can_store_it() -> None:
    last = (1 << 32) - 1
    whole = last // 900 * 900
    assert revisions.start_of_change(date(2106, 2, 7), whole, NOW).timestamp() == whole
    with pytest.raises(InvalidOrganization, match=r"2106-02-07T06:28:15\+00:00 at the latest, choose an earlier date"):
        revisions.start_of_change(date(2106, 2, 7), last, NOW)


def store(client: Client, content: dict[str, object], organization: str = "acme") -> revisions.Revision:
    return revisions.store(
        client, "calendar", organization, content, author="ada", note="moved", source="command line", now=NOW
    )


@pytest.mark.integration
def test_revisions_count_per_kind_and_organization(client: Client) -> None:
    first = store(client, PARIS)
    assert (first.revision, first.body["content_hash"]) == (1, revisions.content_hash(PARIS))
    with pytest.raises(NothingChanges, match="calendar revision 1 says just that"):
        store(client, dict(reversed(PARIS.items())))
    assert store(client, {**PARIS, "week_start": 7}).revision == 2
    assert store(client, PARIS).revision == 3
    assert store(client, PARIS, "zen").revision == 1
    newest = revisions.newest(client, "calendar", "acme")
    assert newest is not None
    assert (newest.revision, newest.content) == (3, PARIS)
    assert revisions.newest(client, "calendar", "fox") is None


@pytest.mark.integration
def test_a_number_that_somebody_else_took_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    store(client, PARIS)
    monkeypatch.setattr(revisions, "newest", lambda *_: None)
    with pytest.raises(WarehouseRefused, match="stored by somebody else meanwhile"):
        store(client, {**PARIS, "week_start": 7})


@pytest.mark.integration
def test_history_says_since_when(client: Client) -> None:
    seed(client, NOW)
    store(client, PARIS)
    columns = ["src_partition", "offset", "kind", "revision", "organization"]
    rows = [[3, 30, "calendar", 1, "acme"], [3, 44, "calendar", 1, "acme"], [4, 9, "prices", 1, ""]]
    client.insert("revision_switches", rows, column_names=columns)
    logged(client, record(1, "config"), 3, "applied", 30)
    (calendar,) = ask(client, History("calendar", "acme"))
    assert (calendar.author, calendar.note, calendar.revision) == ("ada", "moved", 1)
    assert calendar.switches == (Switch(3, 30, NOW),)
    (prices,) = ask(client, History("prices"))
    assert prices.switches == (Switch(4, 9, None),)
    assert {each.kind for each in ask(client, History())} == {"calendar", "prices", "multipliers"}
    assert ask(client, History("calendar", revision=2)) == []


@pytest.mark.integration
def test_two_revisions_are_compared_line_by_line(client: Client) -> None:
    seed(client, NOW)
    before = ask(client, RevisionLines("prices", 1))
    assert len(before) > 1000
    dearer = Line(before[0].key, before[0].value + Decimal("0.5"), before[0].per)
    assert difference(before, [dearer, *before[2:]]) == sorted(
        [Changed(before[0].key, before[0], dearer), Changed(before[1].key, before[1], None)], key=lambda each: each.key
    )
    assert difference(before, before) == []
    assert {line.per for line in ask(client, RevisionLines("multipliers", 1))} == {1}, "none has ended"
