"""Which usage a control record is about: single events by identity, or all that agree with some fields."""

from datetime import UTC, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

FIELDS = (
    *("customer_id", "user_id", "department", "project", "feature", "prompt_id", "thread_id", "api_key_id"),
    *("provider", "model", "billing_type", "plan", "status", "category", "cost_status"),
)
"""Columns that a selection may compare, in views and events the same words."""
Text = Annotated[str, Field(max_length=1024)]


def _milliseconds(time: datetime) -> datetime:
    """Event times are cut to milliseconds when they are read."""
    try:
        return time.astimezone(UTC).replace(microsecond=time.microsecond // 1000 * 1000)
    except OverflowError:
        raise ValueError(f"{time} lies outside of the years 1 to 9999") from None


Instant = Annotated[AwareDatetime, AfterValidator(_milliseconds)]


class Strict(BaseModel):
    """A value that says nothing its reader does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EventKey(Strict):
    """The identity of an event inside its organisation."""

    event_id: UUID
    time: Instant


class Selection(Strict):
    """Events of one organisation with `since` <= time < `until` whose fields have these values; "" is a value too."""

    since: Instant | None = None
    until: Instant | None = None
    customer_id: Text | None = None
    user_id: Text | None = None
    department: Text | None = None
    project: Text | None = None
    feature: Text | None = None
    prompt_id: Text | None = None
    thread_id: Text | None = None
    api_key_id: Text | None = None
    provider: Text | None = None
    model: Text | None = None
    billing_type: Text | None = None
    plan: Text | None = None
    status: Text | None = None
    category: Text | None = None
    cost_status: Text | None = None

    @model_validator(mode="after")
    def _not_backwards(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError(f"`until` ({self.until}) must lie after `since` ({self.since})")
        return self

    @property
    def values(self) -> dict[str, str]:
        """The fields that are compared, and their values."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it."""
        return not self.values and self.since is None and self.until is None
