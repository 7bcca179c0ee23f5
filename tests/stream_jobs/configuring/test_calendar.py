"""A change of calendar begins at a midnight of the one that holds until then; it is stored once, and never lost."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from producers.control.record import ControlRecord
from producers.errors import ControlRefused
from stream_jobs.configuring.calendar import Calendar, Changed, Standing, change_calendar, decided, planned, standing
from stream_jobs.configuring.change import Asked
from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from tests.warehouse.control.asked import logged
from tokentally import partition_of
from warehouse.control import revisions
from warehouse.errors import InvalidOrganization, NothingChanges
from warehouse.organizations import described, register

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
PARIS, TOKYO, KATHMANDU = (
    Calendar(zone, start) for zone, start in (("Europe/Paris", 1), ("Asia/Tokyo", 7), ("Asia/Kathmandu", 1))
)
PARTITIONS = 4
PLACE = partition_of("acme", PARTITIONS)


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_e14_a_change_begins_where_its_day_begins_in_the_calendar_until_then() -> None:
    always = Standing(PARIS, None)
    assert decided("acme", TOKYO, MAY, always, NOW).effective_from == utc(2026, 4, 30, 22)
    pending = Standing(TOKYO, utc(2026, 4, 30, 22))
    assert decided("acme", KATHMANDU, JUNE, pending, NOW).effective_from == utc(2026, 5, 31, 15)
    assert decided("acme", Calendar(None, 7), MAY, always, NOW).after == Calendar("Europe/Paris", 7)
    assert decided("acme", Calendar("Asia/Tokyo", None), MAY, always, NOW).after == Calendar("Asia/Tokyo", 1)


@pytest.mark.parametrize(
    ("wish", "day", "known", "problem"),
    [
        (TOKYO, date(2026, 4, 1), Standing(PARIS, None), "needs an hour's notice"),
        (
            KATHMANDU,
            MAY,
            Standing(TOKYO, utc(2026, 6, 1)),
            "weeks from sunday at 2026-06-01T00:00:00.00:00 already, and that cannot be taken back",
        ),
    ],
)
def test_e14_a_day_that_is_too_soon(wish: Calendar, day: date, known: Standing, problem: str) -> None:
    with pytest.raises(InvalidOrganization, match=problem):
        decided("acme", wish, day, known, NOW)


@pytest.mark.parametrize(
    ("day", "problem"),
    [
        (date.max, "9999-12-31: no calendar can change then, choose a date from tomorrow to 2106-02-07"),
        (date.min, "0001-01-01: no calendar can change then, choose a date from tomorrow to 2106-02-07"),
        (date(2106, 3, 1), "2106-02-07T06:28:15.00:00 at the latest, choose an earlier date"),
    ],
)
def test_a_day_that_cannot_be_is_refused(day: date, problem: str) -> None:
    with pytest.raises(InvalidOrganization, match=problem):
        decided("acme", TOKYO, day, Standing(KATHMANDU, None), NOW)


def test_what_holds_already_is_no_change() -> None:
    for known in (Standing(TOKYO, None), Standing(TOKYO, utc(2026, 6, 1))):
        with pytest.raises(NothingChanges, match="acme counts in Asia/Tokyo, weeks from sunday"):
            decided("acme", TOKYO, MAY, known, NOW)


@pytest.fixture
def publisher(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """A warehouse with acme in Paris; Kafka takes everything."""
    register(client, described("acme", "Europe/Paris", "monday"), "test")
    key = tmp_path / "control_key"
    key.write_bytes(b"a key of this installation")
    monkeypatch.setattr(Publisher, "_acknowledged", lambda _, values, *__: dict.fromkeys(values, 7))
    return Publisher(ControlSettings(home=tmp_path, partitions=PARTITIONS, control_key_file=key), client)


def ask_for(publisher: Publisher, wish: Calendar, day: date, author: str = "ada", now: datetime = NOW) -> Changed:
    return change_calendar(publisher, "acme", wish, day, Asked(author, f"{author}'s note", "hand", now))


def published(client: Client) -> list[tuple[Any, ...]]:
    """Revision, organization, partitions, author and note of the records, in the order of the revisions."""
    sql = (
        "SELECT JSONExtractUInt(body, 'revision') AS revision, organization, partitions, author, note "
        "FROM control_records FINAL WHERE kind = 'config' ORDER BY revision"
    )
    return [(row[0], row[1], tuple(row[2]), *row[3:]) for row in client.query(sql).result_rows]


@pytest.mark.integration
def test_a_change_is_stored_and_goes_to_its_own_partition(publisher: Publisher, client: Client) -> None:
    assert planned(client, "acme", TOKYO, MAY, NOW).effective_from == utc(2026, 4, 30, 22)
    assert (revisions.newest(client, "calendar", "acme"), published(client)) == (None, []), "a plan stores nothing"
    with pytest.raises(ControlRefused, match="author"):
        ask_for(publisher, TOKYO, MAY, author=" ")
    made = ask_for(publisher, TOKYO, MAY)
    assert made.revision == revisions.newest(client, "calendar", "acme")
    assert made.revision.content == {
        "time_zone": "Asia/Tokyo",
        "week_start": 7,
        "effective_from": "2026-04-30T22:00:00+00:00",
    }
    assert published(client) == [(1, "acme", (PLACE,), "ada", "ada's note")]
    assert made.published.is_complete
    with pytest.raises(NothingChanges):
        ask_for(publisher, TOKYO, MAY)
    with pytest.raises(InvalidOrganization, match="there is no organization 'nobody'"):
        planned(client, "nobody", TOKYO, MAY, NOW)
    assert ask_for(publisher, KATHMANDU, JUNE).plan.effective_from == utc(2026, 5, 31, 15)
    assert len(published(client)) == 2


@pytest.mark.integration
def test_e21_what_was_stored_and_not_published_is_published_by_whoever_comes_next(
    publisher: Publisher, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "ask", lambda *_: pytest.fail("killed here"))
        with pytest.raises(pytest.fail.Exception):
            ask_for(publisher, TOKYO, MAY)
    assert published(client) == []
    assert ask_for(publisher, KATHMANDU, JUNE, author="bob").plan.before == TOKYO
    assert published(client) == [
        (1, "acme", (PLACE,), "ada", "ada's note"),
        (2, "acme", (PLACE,), "bob", "bob's note"),
    ]


@pytest.mark.integration
def test_e21_asking_again_publishes_what_was_stored(
    publisher: Publisher, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "ask", lambda *_: pytest.fail("killed here"))
        with pytest.raises(pytest.fail.Exception):
            ask_for(publisher, TOKYO, MAY)
    assert ask_for(publisher, TOKYO, MAY).revision.revision == 1
    assert published(client) == [(1, "acme", (PLACE,), "ada", "ada's note")]


@pytest.mark.integration
def test_e14_a_change_that_never_came_into_force_is_asked_for_anew(
    publisher: Publisher, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "ask", lambda *_: pytest.fail("killed here"))
        with pytest.raises(pytest.fail.Exception):
            ask_for(publisher, TOKYO, MAY)
    late = utc(2026, 5, 2)
    assert standing(client, "acme", late) == Standing(PARIS, None), "too late: nobody publishes it any more"
    made = ask_for(publisher, TOKYO, JUNE, now=late)
    assert (made.revision.revision, made.plan.before, made.plan.effective_from) == (2, PARIS, utc(2026, 5, 31, 22))
    record = ControlRecord(made.revision.control_id, "config", "acme", made.revision.body, "ada", "", late)
    logged(client, record, PLACE, "refused", 0, "it came too late")
    assert standing(client, "acme", late) == Standing(PARIS, None)
    assert ask_for(publisher, TOKYO, date(2026, 7, 1), now=late + timedelta(1)).revision.revision == 3
