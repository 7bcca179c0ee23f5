"""From which local day on something is asked for: a date or an instant in, a date out."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from deploy.cli.asking.options import instant
from deploy.errors import WrongSetting
from stream_jobs.calendars.local_calendar import QUARTER_SECONDS, LocalCalendar
from stream_jobs.calendars.organization_calendar import OrganizationCalendar
from warehouse.queries.ranges import FIRST_DAY, LAST_DAY

_CALENDARS: Final = """
SELECT organization, toUnixTimestamp(effective_from), toString(time_zone), week_start FROM organizations FINAL
WHERE {only:String} = '' OR organization = {only:String}
ORDER BY organization, toUnixTimestamp(effective_from) > 0, created, effective_from
"""
"""The first calendar of each, then its changes in the order in which the log told them, as workers read them."""


def first_day(client: Client, option: str, text: str, organization: str) -> date:
    """A date as it is; of a time (UTC unless it says else) the local day, of all organisations (organization "") the
    earliest one, so that nothing from that time on is left out.

    Raises WrongSetting for what is neither, for what the warehouse cannot hold, and for a time when nobody has a
    calendar.
    """
    moment = instant(option, text)
    if moment is None:
        raise WrongSetting(f"{option}: write a date or time like 2026-03-14 or 2026-03-14T09:00:00Z")
    if not FIRST_DAY <= moment.date() <= LAST_DAY:
        raise WrongSetting(f"{option} {text}: must lie from {FIRST_DAY} to {LAST_DAY}")
    if len(text) == len("2026-03-14"):
        return moment.date()
    found = _calendars(client.query(_CALENDARS, parameters={"only": organization}).result_rows)
    if not found:
        raise WrongSetting(f"{option} {text}: {organization or 'nobody'} has no calendar: write a date like 2026-03-14")
    return earliest_day(moment, found)


def earliest_day(moment: datetime, calendars: Iterable[OrganizationCalendar]) -> date:
    """The earliest local day that an aware instant lies in."""
    quarter = int(moment.timestamp()) // QUARTER_SECONDS * QUARTER_SECONDS
    return min(each.place(quarter).day for each in calendars)


def _calendars(rows: Iterable[Any]) -> list[OrganizationCalendar]:
    shared = cache(LocalCalendar)  # thousands of organisations have a few of them
    return [
        OrganizationCalendar.of([(start, shared(time_zone, week_start)) for _, start, time_zone, week_start in said])
        for _, said in groupby(rows, itemgetter(0))
    ]
