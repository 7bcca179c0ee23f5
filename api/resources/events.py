"""GET /v1/events: single events, newest first."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from api import cursor
from api.documentation import documented
from api.fields import Answered
from api.negotiation import csv_response, wants_csv
from api.parameters import DimensionParameters, Moment, Text
from api.resources.event_fields import EventAnswer
from api.scope import AtDesk
from warehouse.queries.events import Event, EventCount, EventFilter, LatestEvents, Position
from warehouse.queries.ranges import InvalidRange
from warehouse.queries.selection import Selection

router = APIRouter(tags=["events"])
PAGE_MAX = 1000


class EventParameters(DimensionParameters):
    """Which events, and which page."""

    first: Moment | None = Field(
        None,
        alias="from",
        description="Earliest: a local date, or a time with its offset (included)",
        examples=["2026-03-01"],
    )
    last: Moment | None = Field(
        None,
        alias="to",
        description="Latest: a local date (included), or a time with its offset (excluded)",
        examples=["2026-03-14T18:00:00+01:00"],
    )
    search: Text = Field(
        "", description="Part of an id: event, source, customer, user, prompt, thread or message", examples=["thread-9"]
    )
    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Events in one answer", examples=[50])
    cursor: str | None = Field(
        None,
        max_length=cursor.LENGTH_MAX,
        description="next_cursor of the page before",
        examples=["WzE3NzM0ODIwMTMxMTgsImFjbWUiLCIwMTljZjAwZC01YjFlLTdjM2EtOWQ1NS0wMjQyYWMxMjAwMDIiXQ"],
    )
    total: bool = Field(False, description="Count all events that match, which reads them all", examples=[False])

    def filter(self, organization: str | None) -> EventFilter:
        """The events that are meant. Raises InvalidRange."""
        first_day, since = _day_or_time(self.first)
        last_day, until = _day_or_time(self.last)
        if (first_day and last_day and first_day > last_day) or (since and until and since >= until):
            raise InvalidRange(f"from {self.first} is not before to {self.last}; swap them")
        return EventFilter(Selection(organization, first_day, last_day, self.equals), since, until, self.search)


class EventsAnswer(Answered):
    """One page of events."""

    total: int | None = Field(description="Events that match; null unless total=true", examples=[1204])
    next_cursor: str | None = Field(
        description="Send it as cursor for the next page; null on the last",
        examples=["WzE3NzM0ODIwMTMxMTgsImFjbWUiLCIwMTljZjAwZC01YjFlLTdjM2EtOWQ1NS0wMjQyYWMxMjAwMDIiXQ"],
    )
    events: list[EventAnswer] = Field(description="Newest first")


@router.get("/v1/events", **documented(EventsAnswer, csv="event_id,time\r\n019cf00d-…,2026-03-14T09:26:53.118Z\r\n"))
async def events(
    request: Request, parameters: Annotated[EventParameters, Query()], desk: AtDesk
) -> EventsAnswer | Response:
    """Single events, newest first, found by time, dimensions or a part of an id."""
    after = _position(parameters.cursor)
    scope = await desk.scope(parameters.organization)
    wanted = parameters.filter(scope.organization)
    page = LatestEvents(wanted, parameters.limit + 1, after)
    if parameters.total:
        found, total = await asyncio.gather(desk.warehouse.ask(page), desk.warehouse.ask(EventCount(wanted)))
    else:
        found, total = await desk.warehouse.ask(page), None
    shown = [EventAnswer.model_validate(event) for event in found[: parameters.limit]]
    next_cursor = _cursor(found[parameters.limit - 1]) if len(found) > parameters.limit else None
    if wants_csv(request):
        response = csv_response(shown, EventAnswer.model_fields, scope.as_of, "events.csv")
        if next_cursor:
            response.headers["X-Next-Cursor"] = next_cursor
        return response
    return EventsAnswer(
        as_of=scope.as_of, organization=scope.organization, total=total, next_cursor=next_cursor, events=shown
    )


def _day_or_time(moment: date | datetime | None) -> tuple[date | None, datetime | None]:
    return (None, moment) if isinstance(moment, datetime) else (moment, None)


def _cursor(event: Event) -> str:
    milliseconds = (event.time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return cursor.encoded(milliseconds, event.organization, str(event.event_id))


def _position(text: str | None) -> Position | None:
    if text is None:
        return None
    milliseconds, organization, event_id = cursor.decoded(text, int, str, str)
    try:
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(milliseconds))
        return Position(time, str(organization), UUID(str(event_id)))
    except (ValueError, OverflowError) as failure:
        raise cursor.invalid(text) from failure
