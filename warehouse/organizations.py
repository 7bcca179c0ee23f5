"""The calendars of organisations: names with zone and week start in, rows of the table `organizations` out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Self
from zoneinfo import available_timezones

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from tokentally.fields import CONTROL_CHARACTERS
from warehouse.client import READ_OWN_WRITES, WRITE_SETTINGS, classified, permitted
from warehouse.errors import CalendarInUse, InvalidOrganization
from warehouse.families import ROLLUP_TABLES
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
    SELECT organization, toString(argMin(time_zone, effective_from)), argMin(week_start, effective_from)
    FROM organizations FINAL WHERE {only:String} = '' OR organization = {only:String}
    GROUP BY organization HAVING max(effective_from) > toDateTime(0)
    ORDER BY organization
"""
_COUNTED: Final = ("usage_raw", *ROLLUP_TABLES)
"""Tables whose rows lie in the calendar of their organisation."""
_TOLD: Final = ("tombstones", "jobs", "erasures", "control_log WHERE kind != 'config'")
"""Tables that tell that there was usage, also when none of it is left. Prices may be set before there is any."""
_TRACES: Final = " UNION ALL ".join(
    f"SELECT * FROM (SELECT '{found}' AS found FROM {table} {'AND' if 'WHERE' in table else 'WHERE'} "
    "organization = {organization:String} LIMIT 1)"
    for found, tables in (("has", _COUNTED), ("had", _TOLD))
    for table in tables
)
_NOT_IANA: Final = frozenset({"localtime", "Factory", "posixrules"})
"""Files beside those of zones, which say what this machine or nobody has set."""


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

    @property
    def calendar(self) -> tuple[str, int]:
        """Zone and week start."""
        return self.time_zone, self.week_start


def described(name: str, time_zone: str, week_start: str) -> Organization:
    """An organisation as a person describes it.

    Raises InvalidOrganization for a name, IANA zone or week day that cannot be.
    """
    require_name(name)
    if name != name.strip():
        raise InvalidOrganization(f"the name {name!r} has spaces around it; remove them")
    require_time_zone(time_zone)
    return Organization(name, time_zone, week_day(week_start))


def require_name(name: str) -> None:
    """Raises InvalidOrganization for what events cannot call an organisation."""
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or CONTROL_CHARACTERS.search(name):
        raise InvalidOrganization(
            f"an organisation's name has 1 to {MAX_NAME_CHARACTERS} characters and no control characters"
        )


def require_time_zone(name: str) -> None:
    """Raises InvalidOrganization for what is no IANA time zone."""
    if name not in _time_zones():
        raise InvalidOrganization(f"{name!r} is no IANA time zone such as Europe/Paris")


def week_day(name: str) -> int:
    """The number of a day of the week, 1 = Monday to 7 = Sunday. Raises InvalidOrganization for what is none."""
    if name.lower() not in WEEK_DAYS:
        raise InvalidOrganization(f"{name!r} is no day of the week: {', '.join(WEEK_DAYS)}")
    return WEEK_DAYS.index(name.lower()) + 1


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_IANA


def in_words(time_zone: str, week_start: int) -> str:
    """A calendar for people."""
    return f"{time_zone}, weeks from {WEEK_DAYS[week_start - 1]}"


def decided(wanted: Organization, known: Organization | None, *, used: str = "") -> Organization | None:
    """The row to write so that `wanted` is registered; None when nothing changes.

    used: "has" when something counts in the calendar that is known, "had" when all of it was removed since. Raises
    CalendarInUse for another calendar then.
    """
    row = replace(wanted, registered=True)
    same = known is not None and known.calendar == row.calendar
    if known and known.registered and same:
        return None
    if known and used and not same:
        present = in_words(*known.calendar)
        counted = f"has usage that is counted in {present}"
        if used == "had":
            counted = f"had usage that was counted in {present}, which was erased or went by retention"
        raise CalendarInUse(
            f"{row.name} {counted}: "
            "to change that from a date on: ./tally organizations calendar, or POST /v1/organizations/NAME/calendar"
        )
    return row


@dataclass(frozen=True, slots=True)
class Known:
    """The organisations as they are stored. first: the first calendars of those that change from a moment on."""

    organizations: Mapping[str, Organization]
    first: Mapping[str, tuple[str, int]]

    @classmethod
    def read(cls, client: Client, only: str = "") -> Self:
        """All of them, or the named one. Raises WarehouseUnavailable and WarehouseRefused."""
        return cls({each.name: each for each in listed(client, only)}, first_calendars(client, only))

    def began_as(self, wanted: Organization) -> bool:
        """Whether it is registered, and this is the calendar that it had before the first change."""
        known = self.organizations.get(wanted.name)
        return bool(known and known.registered and self.first.get(wanted.name) == wanted.calendar)


def register(client: Client, wanted: Organization, author: str) -> bool:
    """Registers an organisation, also one that a worker created on sight; False when it was registered just so.

    Where its calendar has changed since, the first one stays the first. Raises CalendarInUse when it counts in another,
    WarehouseUnavailable (the same again does no harm) and WarehouseRefused.
    """
    return bool(register_all(client, [wanted], author))


def register_all(client: Client, wanted: Sequence[Organization], author: str) -> int:
    """Registers organisations by one insert; how many were not registered just so. Raises as `register` does."""
    if not wanted:
        return 0
    known = Known.read(client, wanted[0].name if len(wanted) == 1 else "")
    found = [row for each in wanted if (row := registration(client, each, known)) is not None]
    rows = [[row.name, _BEGINNING, *known.first.get(row.name, row.calendar), 1, author] for row in found]
    try:
        if rows:
            client.insert("organizations", rows, column_names=_COLUMNS, settings=permitted(client, WRITE_SETTINGS))
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    return len(rows)


def registration(client: Client, wanted: Organization, known: Known) -> Organization | None:
    """What registering would write; None when it is registered just so. Raises as `register` does.

    A calendar is in use from when a worker has seen the first event on, also while that is still being stored: workers
    look a calendar up once. It stays in use when its usage is erased, or went by retention.
    """
    present = known.organizations.get(wanted.name)
    if present is None or present.calendar == wanted.calendar:
        return decided(wanted, present)
    if not present.registered or wanted.name in known.first:
        return decided(wanted, present, used="has")
    return decided(wanted, present, used=_use(client, wanted.name))


def listed(client: Client, only: str = "") -> Sequence[Organization]:
    """All organisations by name, or the named one if it is known; each with the name, plan and calendar in force."""
    return [
        Organization(name, time_zone, week_start, bool(registered), display_name, plan)
        for name, time_zone, week_start, registered, display_name, plan in _rows(client, _KNOWN, {"only": only})
    ]


def first_calendars(client: Client, only: str = "") -> Mapping[str, tuple[str, int]]:
    """Zone and week start that held at first, of each organisation (or the named one) whose calendar changes later."""
    return {name: (zone, int(start)) for name, zone, start in _rows(client, _FIRST, {"only": only})}


def _use(client: Client, name: str) -> str:
    """'has' where usage is left, 'had' where only traces of it are, else an empty text."""
    found = {word for (word,) in _rows(client, _TRACES, {"organization": name})}
    return next((word for word in ("has", "had") if word in found), "")


def _rows(client: Client, sql: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    try:
        answer = client.query(sql, parameters=dict(parameters), settings=permitted(client, READ_OWN_WRITES))
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    rows: Sequence[Sequence[Any]] = answer.result_rows
    return rows
