"""The usage event: what one call to a model used, for whom, and when; the contract of every stage."""

import json
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic.config import JsonDict

from .decimals import plain
from .fields import (
    BillingType,
    EventType,
    Instant,
    Key,
    Metadata,
    Milliseconds,
    Organization,
    Preview,
    Quantities,
    ServiceTier,
    Stars,
    Status,
    Text,
    Tokens,
    Usd,
)
from .identity import event_uuid, parse_event_uuid
from .instants import instant_of_event_id, read_instant
from .tokens import TOKEN_BUCKETS

# Naive, so that no valid event can hold it.
_ABSENT: Final = datetime.min  # noqa: DTZ901

_SOMETHING_USED: Final[JsonDict] = {
    "anyOf": [
        {"required": ["model"], "properties": {"model": {"minLength": 1}}},
        {"required": ["feature"], "properties": {"feature": {"minLength": 1}}},
        {"required": ["quantities"], "properties": {"quantities": {"minProperties": 1}}},
    ]
}


class UsageEvent(BaseModel):
    """One use of a model or feature.

    Identity is (organization, event_id, time), made once by whoever first sees the call, before any retry. Text is ""
    when absent. The token buckets are disjoint: their sum is the total.

    Over HTTP `organization` may be left out: the collector fills it in from the API key before it validates.
    Validation raises pydantic's ValidationError; `tokentally.reasons` turns it into sentences.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        title="UsageEvent",
        json_schema_extra=_SOMETHING_USED,
    )

    event_id: Key
    """Idempotency key. A UUID (version 7 advised) is kept; any other is mapped to a UUIDv5 and kept as source_id."""
    source_id: Text = ""
    """The sender's own key behind a UUID event_id."""
    time: Instant = Field(default_factory=lambda: _ABSENT, validate_default=True)
    """When the call began: RFC 3339 with offset, cut to the millisecond. Absent: taken from a UUIDv7 event_id."""
    organization: Organization
    """Who owns the event: the tenant. Chooses the partition, the calendar, the prices and the budgets."""
    customer_id: Text = ""
    """The organization's own customer on whose behalf the call was made."""
    user_id: Text = ""
    """The person or account that caused the call."""
    department: Text = ""
    """Department or team of the user."""
    project: Text = ""
    """Project the call belongs to."""
    feature: Text = ""
    """Product feature that made the call."""
    prompt_id: Text = ""
    """Stable id of the prompt template."""
    prompt_name: Text = ""
    """Display name of the prompt template."""
    thread_id: Text = ""
    """Conversation the call belongs to."""
    message_id: Text = ""
    """Message of the conversation that the call answered."""
    api_key_id: Text = ""
    """Name or id of the provider key used; never the key itself."""
    provider: Text = ""
    """Provider as the price catalogue names it: openai, anthropic, google, …"""
    model: Text = ""
    """Model as the provider's answer names it."""
    event_type: EventType = "token_usage"
    """What kind of use this is."""
    billing_type: BillingType = "SYSTEM"
    """SYSTEM: the installation pays the provider. BYOK: the customer's own key does; tracked, not billed."""
    plan: Text = ""
    """Plan of the user at the time: FREE, PRO, …"""
    status: Status = "success"
    """How the call ended; a cancelled or failed call still counts what it used."""
    error_code: Text = ""
    """The provider's error code or HTTP status, for status error."""
    service_tier: ServiceTier = ""
    """How the provider served the call, where that has prices of its own; "" is its standard way."""

    input_tokens: Tokens = 0
    """Tokens read, neither cached nor audio, image or video."""
    cache_read_tokens: Tokens = 0
    """Text tokens read from the provider's cache."""
    cache_write_5m_tokens: Tokens = 0
    """Tokens written to the cache for five minutes (and by providers with a single lifetime)."""
    cache_write_1h_tokens: Tokens = 0
    """Tokens written to the cache for one hour."""
    output_tokens: Tokens = 0
    """Text tokens written, reasoning excluded."""
    reasoning_tokens: Tokens = 0
    """Tokens written while reasoning."""
    input_audio_tokens: Tokens = 0
    """Audio tokens read, uncached."""
    cache_audio_read_tokens: Tokens = 0
    """Audio tokens read from the cache."""
    output_audio_tokens: Tokens = 0
    """Audio tokens written."""
    input_image_tokens: Tokens = 0
    """Image tokens read, uncached."""
    cache_image_read_tokens: Tokens = 0
    """Image tokens read from the cache."""
    output_image_tokens: Tokens = 0
    """Image tokens written."""
    input_video_tokens: Tokens = 0
    """Video tokens read."""
    output_video_tokens: Tokens = 0
    """Video tokens written."""

    quantities: Quantities = Field(default_factory=dict)
    """Amounts in the price catalogue's other units, such as web_searches, audio_seconds or requests."""
    duration_ms: Milliseconds | None = None
    """From request to the end of the answer."""
    time_to_first_token_ms: Milliseconds | None = None
    """From request to the first token of the answer."""
    category: Text = ""
    """Task category, such as coding or support."""
    rating: Stars | None = None
    """The user's rating, 1 (worst) to 5."""
    prompt_preview: Preview = ""
    """Beginning of the prompt, only if the sender opts in."""
    reported_cost_usd: Usd | None = None
    """Cost in USD as the provider reported it, kept to the nano-dollar."""
    metadata: Metadata = Field(default_factory=dict)
    """Facts of the sender's own, text to text."""

    @field_validator("time", mode="before")
    @classmethod
    def _read_time(cls, value: object, info: ValidationInfo) -> datetime:
        if value is _ABSENT or value is None:
            event_id = info.data.get("event_id")
            # A refused event_id is reported by itself; its absence here would only repeat that.
            return _ABSENT if event_id is None else instant_of_event_id(event_id)
        return read_instant(value)

    @model_validator(mode="after")
    def _check_whole(self) -> "UsageEvent":
        if not (self.model or self.feature or self.quantities):
            raise ValueError("nothing used: give a model, a feature or quantities")
        if self.source_id not in ("", self.event_id) and parse_event_uuid(self.event_id) is None:
            raise ValueError("source_id: event_id is not a UUID and takes its place; send only one of the two")
        return self

    @cached_property
    def event_uuid(self) -> UUID:
        """The 16 bytes under which the event is stored."""
        return event_uuid(self.organization, self.event_id)

    @property
    def stored_source_id(self) -> str:
        """The source_id under which the event is stored: an event_id that is no UUID takes its place."""
        return self.source_id if parse_event_uuid(self.event_id) else self.event_id

    @property
    def total_tokens(self) -> int:
        """Sum of the fourteen buckets."""
        return sum(getattr(self, bucket) for bucket in TOKEN_BUCKETS)

    @property
    def reported_cost_nano_usd(self) -> int | None:
        """The reported cost in integer nano-USD; exact, as the field keeps nine decimals."""
        return None if self.reported_cost_usd is None else int(self.reported_cost_usd.scaleb(9))

    @property
    def quantities_json(self) -> str:
        """The quantities as stored: a JSON object with sorted keys and plain numbers; "" when there are none."""
        return canonical_quantities(self.quantities)

    @property
    def metadata_json(self) -> str:
        """The metadata as stored: a JSON object with sorted keys, without spaces or escapes; "" when there is none."""
        return canonical_metadata(self.metadata)

    def to_json(self) -> bytes:
        """The event as one line of JSON without a newline, defaults left out; reading it gives an equal event."""
        return self.model_dump_json(exclude_defaults=True).encode()


def canonical_quantities(quantities: dict[str, Decimal]) -> str:
    """One spelling per content: keys sorted, numbers without exponent or zeros at the end; "" for an empty map."""
    if not quantities:
        return ""
    return "{" + ",".join(f'"{unit}":{plain(quantities[unit])}' for unit in sorted(quantities)) + "}"


def canonical_metadata(metadata: dict[str, str]) -> str:
    """One spelling per content: keys sorted by code point, no spaces, UTF-8 unescaped; "" for an empty map."""
    return json.dumps(metadata, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if metadata else ""
