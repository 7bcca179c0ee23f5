"""Priced frames from a few words per event."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tokentally.tokens import TOKEN_BUCKETS

PricedFrame = Callable[[Sequence[Mapping[str, Any]]], pl.DataFrame]

_SCHEMA: dict[str, Any] = {
    "organization": pl.String,
    "provider": pl.String,
    "model": pl.String,
    "time": pl.Datetime("ms", "UTC"),
    "service_tier": pl.String,
    "billing_type": pl.String,
    "plan": pl.String,
    "status": pl.String,
    **dict.fromkeys(TOKEN_BUCKETS, pl.Int64),
    "quantities": pl.String,
    "cost_nano_usd": pl.Int64,
    "priced_as": pl.String,
}
_DEFAULTS: dict[str, Any] = {
    "organization": "acme",
    "provider": "",
    "model": "",
    "time": datetime(2026, 1, 15, tzinfo=UTC),
    "service_tier": "",
    "billing_type": "SYSTEM",
    "plan": "PRO",
    "status": "success",
    **dict.fromkeys(TOKEN_BUCKETS, 0),
    "input_tokens": 10,
    "quantities": "",
    "cost_nano_usd": 0,
    "priced_as": "",
}


@pytest.fixture(scope="session")
def priced_frame() -> PricedFrame:
    """Events as a priced frame: each mapping holds what differs from ten input tokens of acme, billed, on plan PRO."""

    def build(events: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        return pl.DataFrame([_DEFAULTS | dict(event) for event in events], schema=_SCHEMA)

    return build
