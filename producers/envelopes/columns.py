"""The columns of a decoded envelope: their names, order and types, the same in every stage."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, get_args

import polars as pl

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
from tokentally.tokens import TOKEN_BUCKETS

EVENT_ID_BYTES: Final = 16
MAX_COST_NANO_USD: Final = 10**15

ATTRIBUTES: Final = (
    *("organization", "customer_id", "user_id", "department", "project", "feature", "prompt_id", "prompt_name"),
    *("thread_id", "message_id", "api_key_id", "provider", "model"),
)
"""Who and what, in the order of the frame."""

CHOICES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "event_type": frozenset(get_args(EventType)),
        "billing_type": frozenset(get_args(BillingType)),
        "status": frozenset(get_args(Status)),
        "service_tier": frozenset(get_args(ServiceTier)),
    }
)
"""Columns that hold one of a few words."""

TEXT_LIMITS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(("source_id", *ATTRIBUTES, "plan", "error_code", "category"), MAX_TEXT_CHARS)
    | {"organization": MAX_ORGANIZATION_CHARS, "prompt_preview": MAX_PREVIEW_CHARS}
)
"""Free text and its greatest length in characters."""

INTEGER_BOUNDS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    dict.fromkeys(TOKEN_BUCKETS, (0, MAX_TOKENS))
    | dict.fromkeys(("duration_ms", "time_to_first_token_ms"), (0, MAX_DURATION_MS))
    | {"rating": (1, 5), "reported_cost_nano_usd": (0, MAX_COST_NANO_USD)}
)

NULLABLE: Final = ("duration_ms", "time_to_first_token_ms", "rating", "reported_cost_nano_usd")
"""The only columns with nulls; in text, absent is ""."""

COLUMNS: Final[pl.Schema] = pl.Schema(
    {
        "event_id": pl.Binary(),
        "source_id": pl.String(),
        "time": pl.Datetime("ms", "UTC"),
        **dict.fromkeys(ATTRIBUTES, pl.String()),
        **dict.fromkeys(("event_type", "billing_type", "plan", "status", "error_code", "service_tier"), pl.String()),
        **dict.fromkeys(TOKEN_BUCKETS, pl.Int64()),
        "duration_ms": pl.Int64(),
        "time_to_first_token_ms": pl.Int64(),
        "category": pl.String(),
        "rating": pl.Int64(),
        "prompt_preview": pl.String(),
        "reported_cost_nano_usd": pl.Int64(),
        "quantities": pl.String(),
        "metadata": pl.String(),
    }
)
"""event_id: 16 bytes. time: UTC, cut to the millisecond. quantities, metadata: canonical JSON objects, "" for none."""


LATER: Final = ("service_tier",)
"""Text columns that envelopes of earlier versions lack, and that are "" in them."""

_EMPTY: Final = pl.DataFrame(schema=COLUMNS)


def empty_frame() -> pl.DataFrame:
    """No events, all columns."""
    return _EMPTY.clone()
