"""The calendars of organisations: names with zone and week start in, rows of the table `organizations` out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from tokentally.fields import CONTROL_CHARACTERS
from warehouse.client import READ_OWN_WRITES, WRITE_SETTINGS, classified, permitted
from warehouse.errors import CalendarInUse, InvalidOrganization
from warehouse.queries.organizations import named

WEEK_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAX_NAME_CHARACTERS: Final = 128

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Final = ("organization", "effective_from", "time_zone", "week_start", "registered", "author")
_KNOWN: Final = f"""
    SELECT organization, zone, start, is_registered, ifNull(name, organization), ifNull(plan, '')
    FROM
    (
        SELECT
            organization,
            toString(argMaxIf(time_zone, effective_from, effective_from <= now())) AS zone,
            argMaxIf(week_start, effective_from, effective_from <= now()) AS start,
            max(registered) AS is_registered
        FROM organizations FINAL
        WHERE {{only:String}} = '' OR organization = {{only:String}}
        GROUP BY organization
    ) AS known
    LEFT JOIN ({named("now64(3)", "({only:String} = '' OR organization = {only:String})")}) AS named
    USING organization
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
    display_name and plan: as the directory has them now, where they were looked up.
    """

    name: str
    time_zone: str
    week_start: int
    registered: bool = True
    display_name: str = ""
    plan: str = ""


def described(name: str, time_zone: str, week_start: str) -> Organization:
    """An organisation as a person describes it.

    Raises InvalidOrganization for a name, IANA zone or week day that cannot be.
    """
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or CONTROL_CHARACTERS.search(name):
        raise InvalidOrganization(
            f"an organisation's name has 1 to {MAX_NAME_CHARACTERS} characters and no control characters"
        )
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidOrganization(f"{time_zone!r} is no IANA time zone such as Europe/Paris") from None
    if week_start.lower() not in WEEK_DAYS:
        raise InvalidOrganization(f"{week_start!r} is no day of the week: {', '.join(WEEK_DAYS)}")
    return Organization(name, time_zone, WEEK_DAYS.index(week_start.lower()) + 1)


def in_words(time_zone: str, week_start: int) -> str:
    """A calendar for people."""
    return f"{time_zone}, weeks from {WEEK_DAYS[week_start - 1]}"


def decided(wanted: Organization, known: Organization | None, *, in_use: bool) -> Organization | None:
    """The row to write so that `wanted` is registered; None when nothing changes.

    in_use: whether something counts in the calendar that is known. Raises CalendarInUse for another one then.
    """
    row = replace(wanted, registered=True)
    same = known is not None and (known.time_zone, known.week_start) == (row.time_zone, row.week_start)
    if known and known.registered and same:
        return None
    if known and in_use and not same:
        raise CalendarInUse(
            f"{row.name} has usage that is counted in {in_words(known.time_zone, known.week_start)}: "
            "to change that from a date on: ./tally organizations calendar, or POST /v1/organizations/NAME/calendar"
        )
    return row


def register(client: Client, wanted: Organization, author: str) -> bool:
    """Registers an organisation, also one that a worker created on sight; False when it was registered just so.

    Where its calendar has changed since, the first one stays the first. Raises CalendarInUse when it counts in another,
    WarehouseUnavailable (the same again does no harm) and WarehouseRefused.
    """
    row = registration(client, wanted)
    if row is None:
        return False
    first = _first_calendar(client, row.name) or (row.time_zone, row.week_start)
    try:
        client.insert(
            "organizations",
            [[row.name, _BEGINNING, *first, 1, author]],
            column_names=_COLUMNS,
            settings=permitted(client, WRITE_SETTINGS),
        )
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    return True


def registration(client: Client, wanted: Organization) -> Organization | None:
    """What registering would write; None when it is registered just so. Raises as `register` does.

    A calendar is in use from when a worker has seen the first event on, also while that is still being stored: workers
    look a calendar up once.
    """
    known = next(iter(listed(client, wanted.name)), None)
    in_use = known is not None and (
        not known.registered or _first_calendar(client, wanted.name) is not None or _has_usage(client, wanted.name)
    )
    return decided(wanted, known, in_use=in_use)


def listed(client: Client, only: str = "") -> Sequence[Organization]:
    """All organisations by name, or the named one if it is known; each with the name, plan and calendar in force."""
    return [
        Organization(name, time_zone, week_start, bool(registered), display_name, plan)
        for name, time_zone, week_start, registered, display_name, plan in _rows(client, _KNOWN, {"only": only})
    ]


def _first_calendar(client: Client, name: str) -> tuple[str, int] | None:
    """Zone and week start that held at first, when other rows change them from a moment on; else None."""
    rows = _rows(client, _FIRST, {"organization": name})
    return (str(rows[0][0]), int(rows[0][1])) if rows else None


def _has_usage(client: Client, name: str) -> bool:
    return bool(_rows(client, _HAS_USAGE, {"organization": name})[0][0])


def _rows(client: Client, sql: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    try:
        answer = client.query(sql, parameters=dict(parameters), settings=permitted(client, READ_OWN_WRITES))
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    rows: Sequence[Sequence[Any]] = answer.result_rows
    return rows
