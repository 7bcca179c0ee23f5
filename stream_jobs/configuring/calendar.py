"""Changes the calendar of an organisation: a zone or week start and a date in; a published revision out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from producers.control.record import ControlRecord
from producers.errors import ControlRefused
from stream_jobs.calendars.local_calendar import LocalCalendar
from stream_jobs.configuring.change import MAX_AUTHOR, Asked
from stream_jobs.configuring.one_at_a_time import one_at_a_time
from stream_jobs.control.publisher import Published, Publisher
from warehouse.client import READ_OWN_WRITES, permitted
from warehouse.control import revisions
from warehouse.control.history import History
from warehouse.control.read_again import require_read_again
from warehouse.control.records import Records, Standings
from warehouse.control.revisions import LAST_START, NOTICE, Revision, calendar_content, start_of_change
from warehouse.control.standing import State
from warehouse.errors import InvalidOrganization, NothingChanges
from warehouse.organizations import in_words
from warehouse.queries.organizations import LastCalendar
from warehouse.queries.query import ask

KIND: Final = "calendar"


@dataclass(frozen=True, slots=True)
class Calendar:
    """A zone and the first day of the week (1 = Monday to 7 = Sunday); None, in a wish only: as it was until then."""

    time_zone: str | None
    week_start: int | None

    def over(self, before: "Calendar") -> "Calendar":
        """This one, and the other where this one says nothing."""
        return Calendar(self.time_zone or before.time_zone, self.week_start or before.week_start)

    def __str__(self) -> str:
        return in_words(self.time_zone or "", self.week_start or 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """The calendar that holds in the end. since: from when, None: it always did.

    unpublished: the revision that says so, when its author lived to store it and no longer.
    """

    calendar: Calendar
    since: datetime | None
    unpublished: Revision | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that could be stored. effective_from: the first instant that is counted in the calendar `after`.

    left: a revision that is published before, or that says just that.
    """

    organization: str
    before: Calendar
    after: Calendar
    effective_from: datetime
    content: Mapping[str, Any]
    left: Revision | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that is stored. published: where its record stands."""

    plan: Plan
    revision: Revision
    published: Published


def standing(client: Client, organization: str, now: datetime) -> Standing:
    """The calendar that the newest revision says, unless it never comes into force; else what the log told last.

    Raises InvalidOrganization for one that nobody knows, WarehouseUnavailable.
    """
    settings = permitted(client, READ_OWN_WRITES)
    told = ask(client, LastCalendar(organization), settings)
    if told is None:
        raise InvalidOrganization(f"there is no organization {organization!r}; register it with its calendar")
    last = Standing(Calendar(told.time_zone, told.week_start), told.since)
    newest = revisions.newest(client, KIND, organization)
    if newest is None:
        return last
    since = datetime.fromisoformat(newest.content["effective_from"])
    said = Standing(Calendar(newest.content["time_zone"], newest.content["week_start"]), since)
    records = ask(client, Records(newest.control_id), settings)
    if not records:
        return last if since < now + NOTICE else replace(said, unpublished=newest)
    [followed] = ask(client, Standings(records), settings)
    return last if followed.state is State.REFUSED else said


def decided(organization: str, wish: Calendar, day: date, known: Standing, now: datetime) -> Plan:
    """What a wish makes of what holds in the end; `day` begins in the calendar that holds until then (rule E14).

    Raises NothingChanges, and InvalidOrganization for a day that is too soon or too late.
    """
    before, since = known.calendar, known.since
    after = wish.over(before)
    start = _start(before, day)
    if after == before:
        # Asked again, perhaps because the first time it was stored and not published.
        if known.unpublished and since:
            return Plan(organization, before, after, since, known.unpublished.content, known.unpublished)
        always = f" from {since.isoformat()} on" if since else ""
        raise NothingChanges(f"{organization} counts in {after}{always}: nothing changes")
    effective_from = start_of_change(day, start, now)
    if since is not None and effective_from <= since:
        raise InvalidOrganization(
            f"{organization} changes to {before} at {since.isoformat()} already, and that cannot be taken back: choose "
            "a date after it"
        )
    content = calendar_content(after.time_zone or "", after.week_start or 1, effective_from)
    return Plan(organization, before, after, effective_from, content, known.unpublished)


def _start(calendar: Calendar, day: date) -> int:
    """Where a date begins in a calendar (Unix seconds)."""
    try:
        return LocalCalendar(calendar.time_zone or "", calendar.week_start or 1).day(day).start
    except OverflowError:
        raise InvalidOrganization(
            f"{day}: no calendar can change then, choose a date from tomorrow to {LAST_START.date()}"
        ) from None


def planned(client: Client, organization: str, wish: Calendar, day: date, now: datetime) -> Plan:
    """What the wish would change. Nothing is stored. Raises as `standing` and `decided` do."""
    return decided(organization, wish, day, standing(client, organization, now), now)


def change_calendar(publisher: Publisher, organization: str, wish: Calendar, day: date, asked: Asked) -> Changed:
    """Stores the revision and publishes it; what was stored and never published is published first.

    Raises as `planned` does; ControlRefused without an author; StoredMeanwhile; NotReadAgain and
    NoControlKey before anything is stored.
    Kafka need not answer: what is stored is published later.
    """
    if not 0 < len(asked.author.strip()) <= MAX_AUTHOR:
        raise ControlRefused(f"author: say who changes the calendar, in at most {MAX_AUTHOR} characters")
    publisher.settings.control_key()
    with one_at_a_time(publisher.settings.home):
        require_read_again(publisher.client, publisher.settings.topic_generation)
        plan = planned(publisher.client, organization, wish, day, asked.now)
        if plan.left is None or plan.left.content != plan.content:
            made = _stored(publisher.client, plan, asked)
        else:
            made = plan.left
    if plan.left is not None and plan.left != made:
        _publish(publisher, plan.left, asked.now)
    return Changed(plan, made, _publish(publisher, made, asked.now))


def _stored(client: Client, plan: Plan, asked: Asked) -> Revision:
    said = {"author": asked.author, "note": asked.note, "source": asked.source}
    return revisions.store(client, KIND, plan.organization, plan.content, **said, now=asked.now)


def _publish(publisher: Publisher, revision: Revision, now: datetime) -> Published:
    """Asks for it in the name of whoever stored it."""
    stored = History(KIND, revision.organization, revision.revision)
    [said] = ask(publisher.client, stored, permitted(publisher.client, READ_OWN_WRITES))
    record = ControlRecord(
        revision.control_id, "config", revision.organization, revision.body, said.author, said.note, now
    )
    return publisher.ask(record)
