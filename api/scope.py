"""What an answer is about: a reader and the organisation asked for in, its calendar, today and the as-of moment out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from api.access import Reader, reader
from api.errors import InvalidParameter, NotFound
from api.warehouse import Warehouse
from stream_jobs.calendars.local_calendar import LocalCalendar
from warehouse.queries.organizations import Organization, Organizations
from warehouse.queries.progress import Progress, as_of

ALL_TOGETHER = Organization("", "", "UTC", 1, registered=False)
"""The calendar of all organisations together, and of one the directory does not know yet."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One organisation (None: all together) at one moment."""

    organization: str | None
    calendar: LocalCalendar
    now: datetime
    as_of: datetime | None

    @property
    def time_zone(self) -> str:
        """The zone its days are in."""
        return self.calendar.time_zone

    @property
    def today(self) -> date:
        """The local date of now."""
        return self.now.astimezone(ZoneInfo(self.time_zone)).date()

    def local(self, start: datetime | date) -> datetime | date:
        """An instant in the scope's zone; a date as it is."""
        return start.astimezone(ZoneInfo(self.time_zone)) if isinstance(start, datetime) else start


@dataclass(frozen=True, slots=True)
class Desk:
    """A reader in front of the warehouse: what every resource works with."""

    reader: Reader
    warehouse: Warehouse
    clock: Callable[[], datetime]

    async def scope(self, asked: str | None) -> Scope:
        """The scope of an answer. Raises Forbidden for another's organisation, NotFound for an unknown one.

        as_of is read before anything else, so that the answer holds at least what came until then.
        """
        name, now = self.reader.choose(asked), self.clock()
        if name is None:
            return Scope(None, _calendar(ALL_TOGETHER), now, await self.as_of())
        found, moment = await asyncio.gather(self.warehouse.ask(Organizations(now, name)), self.as_of())
        if not found and self.reader.organization is None:
            raise NotFound(
                f"there is no organisation {name!r}; /v1/organizations lists them", code="unknown_organization"
            )
        return Scope(name, _calendar(found[0] if found else ALL_TOGETHER), now, moment)

    async def as_of(self) -> datetime | None:
        """Newest append time that was applied."""
        return as_of(await self.warehouse.ask(Progress()))


def desk(request: Request, who: Annotated[Reader, Depends(reader)]) -> Desk:
    """The desk of one request. Raises InvalidParameter when a parameter is sent twice: one would be lost."""
    names = [name for name, _ in request.query_params.multi_items()]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidParameter(f"{', '.join(repeated)}: sent more than once; send one value")
    return Desk(who, request.app.state.warehouse, request.app.state.clock)


AtDesk = Annotated[Desk, Depends(desk)]


def _calendar(organization: Organization) -> LocalCalendar:
    return LocalCalendar(organization.time_zone, organization.week_start)
