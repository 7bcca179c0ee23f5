"""Changes the calendar of an organisation that has usage: a zone and a date in, a published revision out."""

import getpass
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import NAMESPACE_OID, uuid5

from clickhouse_connect.driver.client import Client

from deploy.cli.asking.asked import control_settings
from deploy.errors import DeployError
from producers.control.record import ControlRecord
from stream_jobs.calendars.local_calendar import LocalCalendar
from stream_jobs.control.publisher import Published, Publisher
from warehouse.control import revisions
from warehouse.control.records import Records
from warehouse.control.revisions import Revision
from warehouse.errors import InvalidOrganization, NothingChanges
from warehouse.organizations import Organization, listed
from warehouse.queries.query import ask

SOURCE = "command line"


@dataclass(frozen=True, slots=True)
class Change:
    """What was asked for. effective_from: the first instant that is counted in the new calendar."""

    revision: Revision
    effective_from: datetime
    published: Published


def change(client: Client, wanted: Organization, day: date, note: str, now: datetime | None = None) -> Change:
    """Stores the revision and publishes it; after a crash in between the same again publishes what was stored.

    Raises NothingChanges, InvalidOrganization for a day that is too soon, DeployError for an unknown organisation.
    """
    known = next(iter(listed(client, wanted.name)), None)
    if known is None:
        raise DeployError(f"there is no organization {wanted.name}; create it with its calendar")
    moment = now or datetime.now(UTC)
    newest = revisions.newest(client, "calendar", wanted.name)
    content, effective_from = _content(wanted, known, newest, day, moment)
    author = getpass.getuser()
    try:
        made = revisions.store(
            client, "calendar", wanted.name, content, author=author, note=note, source=SOURCE, now=moment
        )
    except NothingChanges:
        if newest is None or ask(client, Records(control_id_of(newest))):
            raise
        made = newest
    record = ControlRecord(control_id_of(made), "config", wanted.name, made.body, author, note, moment)
    publisher = Publisher(control_settings(), client)
    try:
        return Change(made, effective_from, publisher.ask(record))
    finally:
        publisher.close()


def control_id_of(revision: Revision) -> str:
    """The id of the record that puts a revision in force: the same however often it is asked for."""
    said = f"{revision.kind}/{revision.organization}/{revision.revision}/{revision.content_hash}"
    return str(uuid5(NAMESPACE_OID, f"tokentally/{said}"))


def _content(
    wanted: Organization, known: Organization, newest: Revision | None, day: date, now: datetime
) -> tuple[dict[str, object], datetime]:
    """What the revision says. The day begins in the calendar that holds until then."""
    time_zone, week_start, since = known.time_zone, known.week_start, None
    if newest is not None:
        time_zone, week_start = newest.content["time_zone"], newest.content["week_start"]
        since = datetime.fromisoformat(newest.content["effective_from"])
    same = (time_zone, week_start) == (wanted.time_zone, wanted.week_start)
    if same and since is None:
        raise NothingChanges(f"{wanted.name} counts in {time_zone} with that first day of the week: nothing changes")
    if same and newest is not None:
        # Asked again, perhaps because the first time it was stored and not published.
        return dict(newest.content), datetime.fromisoformat(newest.content["effective_from"])
    start = LocalCalendar(time_zone, week_start).day(day).start
    effective_from = revisions.start_of_change(day, start, now)
    if since is not None and effective_from <= since:
        raise InvalidOrganization(
            f"{wanted.name} changes to {time_zone} at {since.isoformat()} already: choose a date after it"
        )
    return revisions.calendar_content(wanted.time_zone, wanted.week_start, effective_from), effective_from
