"""GET /v1/rejected: what was refused, newest first, with the reason."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from api import cursor
from api.documentation import documented
from api.fields import Answered, AnswerModel, Instant
from api.parameters import Moment, OrganizationParameter, Text
from api.scope import AtDesk
from warehouse.queries.rejected import (
    SHOWN_BYTES,
    LatestRejections,
    Rejection,
    RejectionFilter,
    RejectionPosition,
    RejectionReasons,
)

router = APIRouter(tags=["events"])
PAGE_MAX = 500


class FilterParameters(OrganizationParameter):
    """Which refusals."""

    source: Literal["collector", "worker"] | None = Field(None, description="Who refused", examples=["worker"])
    search: Text = Field("", description="Part of the reason or of the event's id", examples=["unknown field"])
    since: Moment | None = Field(
        None,
        alias="from",
        description="Refused at or after this instant, or this UTC date",
        examples=["2026-03-14T09:00:00Z"],
    )
    until: Moment | None = Field(
        None, alias="to", description="Refused before this instant, or before this UTC date", examples=["2026-03-15"]
    )
    partition: int | None = Field(None, ge=0, le=65_535, description="Only this log partition", examples=[1027])
    replayed: bool | None = Field(
        None, description="true: only those that were sent again and accepted; false: only the others", examples=[False]
    )

    def which(self, organization: str | None) -> RejectionFilter:
        """The question's filter."""
        return RejectionFilter(
            organization,
            self.source or "",
            self.search,
            _instant(self.since),
            _instant(self.until),
            self.partition,
            self.replayed,
        )


class RejectedParameters(FilterParameters):
    """Which refusals, and which page."""

    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Refusals in one answer", examples=[50])
    cursor: str | None = Field(
        None,
        max_length=cursor.LENGTH_MAX,
        description="next_cursor of the page before",
        examples=["WzE3NzM0ODIwMTM1ODksIjMtMTA0Mi0xNyJd"],
    )


class RejectionAnswer(AnswerModel):
    """One refused event, or a whole envelope."""

    rejection_id: str = Field(description="Identity of the refusal", examples=["3-1042-17"])
    time: Instant = Field(description="When it was refused", examples=["2026-03-14T09:26:53.589Z"])
    source: str = Field(description="collector or worker", examples=["worker"])
    organization: str = Field(description="Organisation, when it could be read", examples=["acme"])
    event_id: str = Field(description="Event id, when it could be read", examples=["req-881"])
    reason: str = Field(
        description="What was wrong and what to do",
        examples=["input_tokens: -3 is negative; send counts of 0 or more"],
    )
    partition: int | None = Field(description="Log partition; null when the collector refused", examples=[1027])
    offset: int | None = Field(description="Offset of its envelope; null when the collector refused", examples=[1042])
    index: int | None = Field(description="Position in the envelope; null for a whole envelope", examples=[17])
    replayed: Instant | None = Field(
        description="When it was last sent again and accepted; null: never", examples=["2026-03-14T10:00:00.000Z"]
    )
    raw: str = Field(description=f"The first {SHOWN_BYTES} bytes that were sent", examples=['{"input_tokens":-3}'])


class RejectedAnswer(Answered):
    """One page of refusals."""

    next_cursor: str | None = Field(
        description="Send it as cursor for the next page; null on the last",
        examples=["WzE3NzM0ODIwMTM1ODksIjMtMTA0Mi0xNyJd"],
    )
    rejected: list[RejectionAnswer] = Field(description="Newest first")


class ReasonAnswer(AnswerModel):
    """How often one reason occurred."""

    reason: str = Field(description="The reason; figures in it are …", examples=["rating: must be at most …"])
    source: str = Field(description="collector or worker", examples=["collector"])
    count: int = Field(description="Refusals", examples=[1200])
    replayed: int = Field(description="Those that were sent again and accepted", examples=[0])
    first: Instant = Field(description="The oldest", examples=["2026-03-14T09:26:53.589Z"])
    last: Instant = Field(description="The newest", examples=["2026-03-14T10:26:53.589Z"])
    example: str = Field(description="rejection_id of the newest", examples=["3-1042-17"])


class ReasonsAnswer(Answered):
    """Counts by reason."""

    reasons: list[ReasonAnswer] = Field(description="The most frequent first")


@router.get("/v1/rejected/reasons", **documented(ReasonsAnswer))
async def reasons(parameters: Annotated[FilterParameters, Query()], desk: AtDesk) -> ReasonsAnswer:
    """How many events were refused for which reason, at most 100 reasons."""
    scope = await desk.scope(parameters.organization)
    found = await desk.warehouse.ask(RejectionReasons(parameters.which(scope.organization)))
    return ReasonsAnswer(
        as_of=scope.as_of,
        organization=scope.organization,
        reasons=[ReasonAnswer.model_validate(one) for one in found],
    )


@router.get("/v1/rejected", **documented(RejectedAnswer))
async def rejected(parameters: Annotated[RejectedParameters, Query()], desk: AtDesk) -> RejectedAnswer:
    """Refused events, newest first. A key of one organisation sees those whose organisation could be read."""
    after = _position(parameters.cursor)
    scope = await desk.scope(parameters.organization)
    question = LatestRejections(parameters.which(scope.organization), parameters.limit + 1, after)
    found = await desk.warehouse.ask(question)
    return RejectedAnswer(
        as_of=scope.as_of,
        organization=scope.organization,
        next_cursor=_cursor(found[parameters.limit - 1]) if len(found) > parameters.limit else None,
        rejected=[RejectionAnswer.model_validate(one) for one in found[: parameters.limit]],
    )


def _instant(moment: date | datetime | None) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def _cursor(rejection: Rejection) -> str:
    milliseconds = (rejection.time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return cursor.encoded(milliseconds, rejection.rejection_id)


def _position(text: str | None) -> RejectionPosition | None:
    if text is None:
        return None
    milliseconds, rejection_id = cursor.decoded(text, int, str)
    try:
        time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(milliseconds))
    except OverflowError as failure:
        raise cursor.invalid(text) from failure
    return RejectionPosition(time, str(rejection_id))
