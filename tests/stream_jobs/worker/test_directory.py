"""Organisations are looked up once, created on sight with an alert, and their calendars written year by year."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from stream_jobs.calendars.local_calendar import LocalCalendar
from stream_jobs.worker.directory import Directory, calendar_rows
from tests.stream_jobs.worker.fake_sink import FakeSink, Fate, Killed, asking_the_fake
from tests.stream_jobs.worker.fake_warehouse import FakeWarehouse

SEEN = datetime(2026, 3, 1, 7, tzinfo=UTC)
SEEN_MS = round(SEEN.timestamp() * 1000)


def registered(warehouse: FakeWarehouse, name: str, zone: str, week_start: int) -> None:
    row = {"organization": name, "effective_from": 0, "time_zone": zone, "week_start": week_start}
    warehouse.store("organizations", [row])


def learn(warehouse: FakeWarehouse, *names: str, fate: Fate | None = None) -> Directory:
    directory = Directory(FakeSink(warehouse, fate), "Europe/Paris", 7)
    with asking_the_fake():
        directory.learn(list(names), SEEN_MS)
    return directory


def test_registered_organizations_have_their_own_calendar() -> None:
    warehouse = FakeWarehouse()
    registered(warehouse, "zen", "Asia/Kathmandu", 1)
    directory = learn(warehouse, "zen")
    assert (directory.calendar("zen").newest.time_zone, directory.calendar("zen").newest.week_start) == (
        "Asia/Kathmandu",
        1,
    )
    assert directory.unknown(["zen", "acme"]) == ["acme"]
    assert not list(warehouse.rows("alerts"))


def test_an_organization_that_nobody_registered_is_created_and_reported() -> None:
    warehouse = FakeWarehouse()
    directory = learn(warehouse, "it's")
    assert list(warehouse.rows("organizations")) == [
        {
            "organization": "it's",
            "effective_from": 0,
            "time_zone": "Europe/Paris",
            "week_start": 7,
            "display_name": "it's",
            "registered": 0,
            "author": "worker",
            "created": datetime(1970, 1, 1, tzinfo=UTC),
        }
    ]
    assert list(warehouse.rows("alerts")) == [
        {
            "alert_id": "unregistered_organization/it's",
            "kind": "unregistered_organization",
            "organization": "it's",
            "time": SEEN,
            "message": "Organization it's is not registered: its usage is counted in Europe/Paris. "
            "Register it with `./tally organizations create`.",
            "details": "{}",
        }
    ]
    assert directory.place("it's", 0).day == date(1970, 1, 1)


@pytest.mark.parametrize("dies_at", [0, 1])
def test_the_alert_comes_whatever_kills_the_worker(dies_at: int) -> None:
    warehouse = FakeWarehouse()
    with pytest.raises(Killed):
        learn(warehouse, "acme", fate=Fate(dies_at=dies_at))
    learn(warehouse, "acme")
    assert [row["alert_id"] for row in warehouse.rows("alerts")] == ["unregistered_organization/acme"]


class Meanwhile(FakeSink):
    """Something happens once, between a statement's effect and the moment at which its thread goes on."""

    def __init__(self, warehouse: FakeWarehouse, statement: str, happens: Callable[[], None]) -> None:
        super().__init__(warehouse)
        self.statement, self.happens = statement, happens

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        answer = super().rows(sql)
        self._go_on(sql)
        return answer

    def insert(self, table: str, frame: pl.DataFrame, check: Callable[[], None] = lambda: None) -> None:
        super().insert(table, frame, check)
        self._go_on(f"insert {table}")

    def _go_on(self, statement: str) -> None:
        if statement == self.statement:
            self.statement = ""
            self.happens()


def rules_of(directory: Directory, name: str) -> list[tuple[int, str]]:
    return [(rule.start, rule.calendar.time_zone) for rule in directory.calendar(name).rules]


CHANGE = 1_775_000_000 // 900 * 900


@pytest.mark.parametrize("statement", ["organizations", "insert organizations"])
def test_a_change_that_is_applied_while_another_thread_looks_up_stays(statement: str) -> None:
    def changed() -> None:
        directory.learn(["zen"], SEEN_MS)
        directory.change("zen", CHANGE, "Asia/Tokyo", 1)

    warehouse = FakeWarehouse()
    if statement == "organizations":
        registered(warehouse, "zen", "Asia/Kathmandu", 1)
    directory = Directory(Meanwhile(warehouse, statement, changed), "Europe/Paris", 7)
    with asking_the_fake():
        found = directory.learned("zen")
    before = "Asia/Kathmandu" if statement == "organizations" else "Europe/Paris"
    assert rules_of(directory, "zen") == [(0, before), (CHANGE, "Asia/Tokyo")]
    assert found is directory.calendar("zen")


def test_a_registration_that_comes_while_its_organization_is_created_on_sight_holds() -> None:
    warehouse = FakeWarehouse()
    late = Meanwhile(warehouse, "insert organizations", lambda: registered(warehouse, "zen", "Asia/Kathmandu", 1))
    directory = Directory(late, "Europe/Paris", 7)
    with asking_the_fake():
        directory.learn(["zen"], SEEN_MS)
    assert rules_of(directory, "zen") == [(0, "Asia/Kathmandu")]


def test_an_answer_from_before_the_partitions_changed_is_not_kept() -> None:
    def taken_away() -> None:
        directory.forget()
        registered(warehouse, "zen", "Asia/Tokyo", 1)

    warehouse = FakeWarehouse()
    registered(warehouse, "zen", "Asia/Kathmandu", 1)
    directory = Directory(Meanwhile(warehouse, "organizations", taken_away), "Europe/Paris", 7)
    with asking_the_fake():
        directory.learned("zen")
    assert rules_of(directory, "zen") == [(0, "Asia/Tokyo")]


def test_who_reads_a_calendar_while_it_changes_reads_the_one_before() -> None:
    directory = learn(FakeWarehouse(), "zen")
    before = directory.calendar("zen")
    directory.change("zen", CHANGE, "Asia/Tokyo", 1)
    assert [rule.start for rule in before.rules] == [0]
    assert rules_of(directory, "zen") == [(0, "Europe/Paris"), (CHANGE, "Asia/Tokyo")]


def test_organizations_with_the_same_calendar_share_it() -> None:
    directory = learn(FakeWarehouse(), "a", "b")
    assert directory.calendar("a").newest is directory.calendar("b").newest


def test_each_year_of_a_calendar_is_written_once() -> None:
    warehouse, fate = FakeWarehouse(), Fate()
    directory = learn(warehouse, "a", "b", fate=fate)
    before = len(fate.writes)
    with asking_the_fake():
        directory.write_years([("a", date(2025, 12, 31)), ("b", date(2025, 1, 1)), ("a", date(2026, 1, 1))])
        directory.write_years([("b", date(2026, 5, 5))])
    assert fate.writes[before:] == ["calendar", "calendar"]


ZONES = ["UTC", "Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York", "America/Sao_Paulo"]


SKIPPED_DAY = ("Pacific/Apia", 2011)


@pytest.mark.parametrize(("zone", "year"), [*((zone, 2018) for zone in ZONES), SKIPPED_DAY])
def test_a_year_of_the_calendar_is_that_of_zoneinfo(zone: str, year: int) -> None:
    rows = calendar_rows(LocalCalendar(zone, 7), year)
    days = rows.filter(pl.col("grain") == "day").sort("start")
    check_days(days, ZoneInfo(zone), year)
    check_hours(rows.filter(pl.col("grain") == "hour").sort("start"), days, ZoneInfo(zone))
    weeks = rows.filter(pl.col("grain") == "week").sort("start")
    assert weeks["week_start"].unique().to_list() == [7]
    assert all(day.isoweekday() == 7 for day in weeks["date"])
    assert weeks["end"][:-1].to_list() == weeks["start"][1:].to_list()
    assert set(weeks["start"]) <= set(days["start"])


def local(seconds: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(seconds, zone)


def check_days(days: pl.DataFrame, zone: ZoneInfo, year: int) -> None:
    """Days follow each other; the second before each belongs to another date."""
    assert days["end"][:-1].to_list() == days["start"][1:].to_list()
    for start, end, day in days.select("start", "end", "date").iter_rows():
        assert local(start, zone).date() == local(end - 1, zone).date() == day
        assert local(start - 1, zone).date() < day < local(end, zone).date()
    first, last = local(days["start"][0], zone), local(days["end"][-1] - 1, zone)
    assert (first.date(), last.date()) == (date(year, 1, 1), date(year, 12, 31))


def check_hours(hours: pl.DataFrame, days: pl.DataFrame, zone: ZoneInfo) -> None:
    """The hours of each day cover it; none holds two local hours or two offsets."""
    assert hours["end"][:-1].to_list() == hours["start"][1:].to_list()
    assert (hours["start"][0], hours["end"][-1]) == (days["start"][0], days["end"][-1])
    assert hours["date"].unique().sort().to_list() == days["date"].to_list()
    for start, end, day in hours.select("start", "end", "date").iter_rows():
        first, last = local(start, zone), local(end - 1, zone)
        assert (first.date(), first.hour, first.utcoffset()) == (day, last.hour, last.utcoffset())
        assert timedelta(0) < timedelta(seconds=end - start) <= timedelta(hours=1)
