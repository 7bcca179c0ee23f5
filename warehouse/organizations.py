"""The directory of organisations: names with their calendars in, rows of the table `organizations` out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clickhouse_connect.driver.client import Client

from warehouse.errors import CalendarInUse, InvalidOrganization
from warehouse.queries.organizations import NEWEST_NAME

WEEK_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAX_NAME_CHARACTERS: Final = 128
MAX_DISPLAY_NAME_CHARACTERS: Final = 256

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN: Final = f"""
    SELECT
        organization,
        toString(argMaxIf(time_zone, effective_from, effective_from <= now())),
        argMaxIf(week_start, effective_from, effective_from <= now()),
        {NEWEST_NAME},
        max(registered)
    FROM organizations FINAL
    WHERE {{only:String}} = '' OR organization = {{only:String}}
    GROUP BY organization
    ORDER BY organization
"""
_FIRST: Final = """
    SELECT toString(argMin(time_zone, effective_from)), argMin(week_start, effective_from)
    FROM organizations FINAL WHERE organization = {organization:String}
    GROUP BY organization HAVING max(effective_from) > toDateTime(0)
"""
_HAS_USAGE: Final = "SELECT count() FROM (SELECT 1 FROM usage_raw WHERE organization = {organization:String} LIMIT 1)"


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation and the calendar it counts in.

    week_start: 1 = Monday to 7 = Sunday. registered: False when a worker created it because an event named it.
    """

    name: str
    time_zone: str
    week_start: int
    display_name: str
    registered: bool = True


def described(name: str, time_zone: str, week_start: str, display_name: str = "") -> Organization:
    """An organisation as a person describes it.

    Raises InvalidOrganization for a name, IANA zone or week day that cannot be.
    """
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidOrganization(f"an organisation's name has 1 to {MAX_NAME_CHARACTERS} printable characters")
    if len(display_name) > MAX_DISPLAY_NAME_CHARACTERS or not display_name.isprintable():
        raise InvalidOrganization(f"a display name has at most {MAX_DISPLAY_NAME_CHARACTERS} printable characters")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidOrganization(f"{time_zone!r} is no IANA time zone such as Europe/Paris") from None
    if week_start.lower() not in WEEK_DAYS:
        raise InvalidOrganization(f"{week_start!r} is no day of the week: {', '.join(WEEK_DAYS)}")
    return Organization(name, time_zone, WEEK_DAYS.index(week_start.lower()) + 1, display_name)


def decided(wanted: Organization, known: Organization | None, *, has_usage: bool) -> Organization | None:
    """The row to write so that `wanted` is registered; None when nothing changes.

    Raises CalendarInUse when usage was already counted in another calendar.
    """
    name_for_people = wanted.display_name or (known.display_name if known else "") or wanted.name
    row = replace(wanted, display_name=name_for_people, registered=True)
    if row == known:
        return None
    if known and has_usage and (known.time_zone, known.week_start) != (row.time_zone, row.week_start):
        raise CalendarInUse(
            f"{row.name} has usage that is counted in {known.time_zone}, weeks from "
            f"{WEEK_DAYS[known.week_start - 1]}: to change that from a date on: ./tally organizations calendar"
        )
    return row


def register(client: Client, wanted: Organization, author: str) -> bool:
    """Registers an organisation, also one that a worker created on sight; False when it was registered just so.

    Where its calendar has changed since, the first one stays the first. Raises CalendarInUse when it counts in another.
    """
    row = registration(client, wanted)
    if row is None:
        return False
    first = _first_calendar(client, row.name) or (row.time_zone, row.week_start)
    client.insert(
        "organizations",
        [[row.name, _BEGINNING, *first, row.display_name, 1, author]],
        column_names=[
            *("organization", "effective_from", "time_zone", "week_start"),
            *("display_name", "registered", "author"),
        ],
    )
    return True


def registration(client: Client, wanted: Organization) -> Organization | None:
    """What registering would write; None when it is registered just so. Raises CalendarInUse."""
    known = next(iter(listed(client, wanted.name)), None)
    counted = known is not None and (
        _first_calendar(client, wanted.name) is not None or _has_usage(client, wanted.name)
    )
    return decided(wanted, known, has_usage=counted)


def listed(client: Client, only: str = "") -> Sequence[Organization]:
    """All organisations by name, or the named one if it is known; each with its newest name
    and the calendar in force.
    """
    rows = client.query(_KNOWN, parameters={"only": only}).result_rows
    return [
        Organization(name, time_zone, week_start, display_name, bool(registered))
        for name, time_zone, week_start, display_name, registered in rows
    ]


def _first_calendar(client: Client, name: str) -> tuple[str, int] | None:
    """Zone and week start that held at first, when other rows change them from a moment on; else None."""
    rows = client.query(_FIRST, parameters={"organization": name}).result_rows
    return (str(rows[0][0]), int(rows[0][1])) if rows else None


def _has_usage(client: Client, name: str) -> bool:
    return bool(client.query(_HAS_USAGE, parameters={"organization": name}).result_rows[0][0])
