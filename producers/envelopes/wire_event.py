"""One usage event as msgspec reads it from JSON: the fields, types and bounds of tokentally.UsageEvent, faster.

What it accepts is accepted by UsageEvent too, but for what only the frame can tell (see `doubts`) and for the texts
of time, cost, quantities and metadata, which are left to be read by their own rules. What it refuses may still be
accepted: UsageEvent decides.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tokentally.fields import (
    MAX_DURATION_MS,
    MAX_ORGANIZATION_CHARS,
    MAX_PREVIEW_CHARS,
    MAX_TEXT_CHARS,
    MAX_TOKENS,
    BillingType,
    EventType,
    ServiceTier,
    Status,
)

Text = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]
Tokens = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]
Milliseconds = Annotated[int, Meta(ge=0, le=MAX_DURATION_MS)]
ABSENT_OBJECT = msgspec.Raw(b"")


class WireEvent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Fields in the order of the frame's columns. organization "" means absent: the bounds hold for what was sent."""

    event_id: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARS)]
    source_id: Text = ""
    time: str | None = None
    organization: Annotated[str, Meta(min_length=1, max_length=MAX_ORGANIZATION_CHARS)] = ""
    customer_id: Text = ""
    user_id: Text = ""
    department: Text = ""
    project: Text = ""
    feature: Text = ""
    prompt_id: Text = ""
    prompt_name: Text = ""
    thread_id: Text = ""
    message_id: Text = ""
    api_key_id: Text = ""
    provider: Text = ""
    model: Text = ""
    event_type: EventType = "token_usage"
    billing_type: BillingType = "SYSTEM"
    plan: Text = ""
    status: Status = "success"
    error_code: Text = ""
    service_tier: ServiceTier = ""
    input_tokens: Tokens = 0
    cache_read_tokens: Tokens = 0
    cache_write_5m_tokens: Tokens = 0
    cache_write_1h_tokens: Tokens = 0
    output_tokens: Tokens = 0
    reasoning_tokens: Tokens = 0
    input_audio_tokens: Tokens = 0
    cache_audio_read_tokens: Tokens = 0
    output_audio_tokens: Tokens = 0
    input_image_tokens: Tokens = 0
    cache_image_read_tokens: Tokens = 0
    output_image_tokens: Tokens = 0
    input_video_tokens: Tokens = 0
    output_video_tokens: Tokens = 0
    duration_ms: Milliseconds | None = None
    time_to_first_token_ms: Milliseconds | None = None
    category: Text = ""
    rating: Annotated[int, Meta(ge=1, le=5)] | None = None
    prompt_preview: Annotated[str, Meta(max_length=MAX_PREVIEW_CHARS)] = ""
    reported_cost_usd: float | int | str | None = None
    quantities: msgspec.Raw = ABSENT_OBJECT
    metadata: msgspec.Raw = ABSENT_OBJECT
