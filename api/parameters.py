"""Query parameters that several routes share: what may be asked for, with limits; anything else is refused."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tokentally.fields import CONTROL_CHARACTERS
from warehouse.queries.ranges import FIRST_DAY, LAST_DAY, DayRange, Preset, resolved
from warehouse.queries.selection import DIMENSIONS, Selection


def _without_control(text: str) -> str:
    if CONTROL_CHARACTERS.search(text):
        raise ValueError("control characters are not allowed")
    return text


def _day(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("a date like 2026-03-14 is needed")
    return value


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value) if "T" in value.upper() else date.fromisoformat(str(_day(value)))
    if isinstance(moment, datetime) and moment.tzinfo is None:
        raise ValueError("a time needs its offset, like 2026-03-14T09:00:00Z or 2026-03-14T09:00:00+01:00")
    try:
        day = moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment
    except OverflowError:
        day = None
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"must lie from {FIRST_DAY} to {LAST_DAY}")
    return moment


Day = Annotated[date, BeforeValidator(_day)]
"""A date in ISO form only: pydantic alone would take a number for seconds."""
Moment = Annotated[date | datetime, BeforeValidator(_moment)]
"""A local date, or an instant with its offset."""
Text = Annotated[str, Field(max_length=256), AfterValidator(_without_control)]
"""A dimension's value, as events carry it."""
Name = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_without_control)]
"""An organisation."""


class OrganizationParameter(BaseModel):
    """Whose usage."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    organization: Name | None = Field(
        None,
        description="Organisation to answer for. A key of one organisation may leave it out; "
        "with a key for every organisation, leaving it out means all together",
        examples=["acme"],
    )


class DimensionParameters(OrganizationParameter):
    """Which usage: a value per dimension; an empty value selects usage that carries none."""

    customer_id: Text | None = Field(None, description="Only this customer", examples=["c-17"])
    user_id: Text | None = Field(None, description="Only this user", examples=["u-42"])
    department: Text | None = Field(None, description="Only this department", examples=["sales"])
    project: Text | None = Field(None, description="Only this project", examples=["website"])
    feature: Text | None = Field(None, description="Only this feature", examples=["summaries"])
    api_key_id: Text | None = Field(None, description="Only this API key (its id, never the key)", examples=["k-3"])
    provider: Text | None = Field(None, description="Only this provider", examples=["openai"])
    model: Text | None = Field(None, description="Only this model", examples=["gpt-4o"])
    billing_type: Text | None = Field(None, description="Only SYSTEM or only BYOK", examples=["SYSTEM"])
    status: Text | None = Field(None, description="Only success, error or cancelled", examples=["success"])

    @property
    def equals(self) -> tuple[tuple[str, str], ...]:
        """The dimensions that were given."""
        values = ((name, getattr(self, name)) for name in DIMENSIONS)
        return tuple((name, value) for name, value in values if value is not None)


class RangeParameters(DimensionParameters):
    """Which usage and which days."""

    range: Preset | None = Field(
        None,
        description="Days in the organisation's calendar: today, yesterday, 7d and 30d (ending today), 3m and 6m "
        "(months ending today), month (the current one until today), custom (from and to). "
        "Default: custom when from or to is given, else 7d",
        examples=["30d"],
    )
    first: Day | None = Field(None, alias="from", description="First day, included", examples=["2026-03-01"])
    last: Day | None = Field(None, alias="to", description="Last day, included", examples=["2026-03-14"])

    @property
    def preset(self) -> Preset:
        """The range that is meant."""
        return self.range or (Preset.CUSTOM if self.first or self.last else Preset.LAST_7_DAYS)

    def days(self, today: date) -> DayRange:
        """The days that are meant when today is `today`. Raises InvalidRange."""
        return resolved(self.preset, today, self.first, self.last)

    def selection(self, organization: str | None, days: DayRange) -> Selection:
        """The selection of these days."""
        return Selection(organization, days.first, days.last, self.equals)
