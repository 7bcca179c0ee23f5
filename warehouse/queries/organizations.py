"""The directory of organisations: a moment in, each organisation with its name, plan and calendar then out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from warehouse.queries.query import Rows, milliseconds, utc


def named(at: str, only: str = "") -> str:
    """What organisations are called at an instant: a query of organization, name and plan (null: none was said).

    at and only are SQL: the instant, and a condition on the organization.
    """
    condition = f" AND {only}" if only else ""
    return f"""SELECT organization, argMax(display_name, effective_from) AS name, argMax(plan, effective_from) AS plan
    FROM directory_entries FINAL
    WHERE kind = 'organization' AND effective_from <= {at}{condition}
    GROUP BY organization"""


@dataclass(frozen=True, slots=True)
class ComingCalendar:
    """A calendar that holds from a later moment on; week_start is 1 for Monday to 7 for Sunday."""

    effective_from: datetime
    time_zone: str
    week_start: int


@dataclass(frozen=True, slots=True)
class Organization:
    """One organisation; week_start is 1 for Monday to 7 for Sunday, registered False when an event created it.

    display_name: as it holds at the moment; the name in events when none was given. plan: "" without one.
    coming_calendars: the changes that are arranged, by their time.
    """

    name: str
    display_name: str
    time_zone: str
    week_start: int
    registered: bool
    plan: str = ""
    coming_calendars: tuple[ComingCalendar, ...] = ()


@dataclass(frozen=True, slots=True)
class Organizations:
    """Those known at `now`, by name: all, or the one that is named (an empty list when it is unknown)."""

    now: datetime
    organization: str | None = None
    limit: int = 1000
    skip: int = 0

    @property
    def sql(self) -> str:
        """The statement: of each organisation the name, plan and calendar that are in force, and calendars to come."""
        only = "organization = {organization:String}" if self.organization is not None else ""
        now = "fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')"
        return f"""SELECT organization, ifNull(name, organization), zone, start, is_registered, ifNull(plan, ''), coming
FROM
(
    SELECT organization, argMaxIf(time_zone, effective_from, effective_from <= {now}) AS zone,
        argMaxIf(week_start, effective_from, effective_from <= {now}) AS start, max(registered) AS is_registered,
        arraySort(groupArrayIf((effective_from, toString(time_zone), week_start), effective_from > {now})) AS coming
    FROM organizations FINAL{f" WHERE {only}" if only else ""}
    GROUP BY organization HAVING countIf(effective_from <= {now}) > 0
    ORDER BY organization LIMIT {{limit:UInt64}} OFFSET {{skip:UInt64}}
) AS known
LEFT JOIN
(
    {named(now, only)}
) AS named USING organization
ORDER BY organization"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The moment, the page and the name."""
        values: dict[str, object] = {"now_ms": milliseconds(self.now), "limit": self.limit, "skip": self.skip}
        return values if self.organization is None else {**values, "organization": self.organization}

    def read(self, rows: Rows) -> list[Organization]:
        """One organisation per row."""
        return [Organization(*(*row[:4], bool(row[4]), row[5], _coming(row[6]))) for row in rows]


def _coming(rows: Rows) -> tuple[ComingCalendar, ...]:
    return tuple(ComingCalendar(utc(since), zone, week_start) for since, zone, week_start in rows)


@dataclass(frozen=True, slots=True)
class LastTold:
    """A calendar; week_start is 1 for Monday to 7 for Sunday, since None when it is the first one."""

    time_zone: str
    week_start: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class LastCalendar:
    """The calendar that the log told last, in force or still to come; None for an organisation that is unknown."""

    organization: str

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT
    toString(time_zone), week_start, effective_from, toUnixTimestamp(effective_from) > 0 AS is_change
FROM organizations FINAL WHERE organization = {organization:String}
ORDER BY is_change DESC, created DESC, effective_from DESC LIMIT 1"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The organisation."""
        return {"organization": self.organization}

    def read(self, rows: Rows) -> LastTold | None:
        """The one row, if there is one."""
        return LastTold(rows[0][0], int(rows[0][1]), utc(rows[0][2]) if rows[0][3] else None) if rows else None
