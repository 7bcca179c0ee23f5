"""Closes days of an organisation: its usage at one cut of the log is set down for good."""

from datetime import date, datetime
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import WRITE_SETTINGS, classified, permitted
from warehouse.errors import PeriodRefused
from warehouse.periods.changes import Changes, explained
from warehouse.queries.organizations import Organizations
from warehouse.queries.periods import (
    CameLater,
    ClosedPeriod,
    ClosedPeriods,
    CorrectedLater,
    CorrectionsAtWork,
    Cut,
    Days,
    ErasedSince,
    UsageAtCut,
    UsageNow,
    UsageWhenClosed,
)
from warehouse.queries.progress import Progress
from warehouse.queries.query import ask

PERIOD_COLUMNS: Final = (
    *("organization", "first_day", "last_day", "period_id", "closed", "applied", "author", "note"),
)
USAGE_COLUMNS: Final = (
    *("organization", "period_id", "day", "provider", "model"),
    *("requests", "total_tokens", "cost_nano_usd", "billed_nano_usd", "credits_micro", "closed"),
)


def close(
    client: Client, organization: str, first: date, last: date, *, author: str, note: str, now: datetime
) -> ClosedPeriod:
    """Sets down the usage of these local days, both included.

    Raises PeriodRefused while a day is not over, some were closed already, or a correction is being carried out;
    WarehouseUnavailable (ask again) and WarehouseRefused.
    """
    known = ask(client, Organizations(now, organization))
    if not known:
        raise PeriodRefused(f"there is no organisation {organization!r}")
    refuse_open(first, last, now.astimezone(ZoneInfo(known[0].time_zone)).date())
    refuse_closed(first, last, ask(client, ClosedPeriods(organization)))
    if working := ask(client, CorrectionsAtWork(organization)):
        raise PeriodRefused(f"corrections are being carried out ({', '.join(working[:3])}): wait until they are done")
    applied = {each.partition: each.applied_offset for each in ask(client, Progress())}
    if not applied:
        raise PeriodRefused("nothing was ever counted: there is nothing to close")
    snapshot = ask(client, UsageAtCut(Days(organization, first, last), Cut(applied)))
    period = ClosedPeriod(organization, first, last, str(uuid4()), snapshot.read_at, applied, author, note)
    try:
        settings = permitted(client, WRITE_SETTINGS)
        if snapshot.rows:
            rows = [[organization, period.period_id, *row, period.closed] for row in snapshot.rows]
            client.insert("closed_usage", rows, column_names=list(USAGE_COLUMNS), settings=settings)
        head = [getattr(period, name) for name in PERIOD_COLUMNS]
        client.insert("closed_periods", [head], column_names=list(PERIOD_COLUMNS), settings=settings)
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    return period


def changes_since(client: Client, period: ClosedPeriod) -> Changes:
    """What changed in a closed period, and why."""
    days, cut = Days(period.organization, period.first_day, period.last_day), Cut(period.applied)
    closed = ask(client, UsageWhenClosed(period.organization, period.period_id))
    late = ask(client, CameLater(days, cut))
    corrected = ask(client, CorrectedLater(days, cut, period.closed))
    erased = ask(client, ErasedSince(period.organization, period.closed))
    return explained(closed, ask(client, UsageNow(days)), late, corrected, erased=erased)


def refuse_open(first: date, last: date, today: date) -> None:
    """Raises PeriodRefused when the days are none, or not all over."""
    if first > last:
        raise PeriodRefused(f"{first} is after {last}; swap them")
    if last >= today:
        raise PeriodRefused(f"{last} is not over where the organisation counts (today is {today}): close it later")


def refuse_closed(first: date, last: date, closed: list[ClosedPeriod]) -> None:
    """Raises PeriodRefused when a day was closed already: what was closed stays as it is."""
    for each in closed:
        if each.first_day <= last and first <= each.last_day:
            raise PeriodRefused(
                f"{each.first_day} to {each.last_day} were closed by {each.author} on {each.closed:%Y-%m-%d}: "
                f"close days before {each.first_day} or after {each.last_day}"
            )
