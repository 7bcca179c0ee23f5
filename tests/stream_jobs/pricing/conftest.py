"""What the pricing tests share: the catalogue compiled once, and frames from a few words per event."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY
from tokentally.tokens import TOKEN_BUCKETS

UsageFrame = Callable[[Sequence[Mapping[str, Any]]], pl.DataFrame]
PriceRows = Callable[..., list[PriceRow]]

_SCHEMA: dict[str, Any] = {
    "organization": pl.String,
    "provider": pl.String,
    "model": pl.String,
    "service_tier": pl.String,
    "time": pl.Datetime("ms", "UTC"),
    **dict.fromkeys(TOKEN_BUCKETS, pl.Int64),
    "quantities": pl.String,
    "reported_cost_nano_usd": pl.Int64,
}
_DEFAULTS: dict[str, Any] = {
    "organization": "acme",
    "provider": "",
    "model": "",
    "service_tier": "",
    "time": datetime(2026, 1, 15, 12, tzinfo=UTC),
    **dict.fromkeys(TOKEN_BUCKETS, 0),
    "quantities": "",
    "reported_cost_nano_usd": None,
}


@pytest.fixture(scope="session")
def catalogue_book() -> PriceBook:
    """The bundled catalogue as revision 1."""
    return PriceBook.from_rows(catalogue_rows(), revision=1)


@pytest.fixture(scope="session")
def usage_frame() -> UsageFrame:
    """Events as a frame: each mapping holds what differs from an empty event of acme in January 2026."""

    def build(events: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        return pl.DataFrame([_DEFAULTS | dict(event) for event in events], schema=_SCHEMA)

    return build


@pytest.fixture(scope="session")
def price_rows() -> PriceRows:
    """Rows of one model from prices by unit: `price_rows(input_mtok="2.5", tiers={200_000: {"input_mtok": "5"}})`."""

    def build(
        *,
        provider: str = "maker",
        model: str = "large",
        position: int = 0,
        tiers: Mapping[int, Mapping[str, str]] | None = None,
        match: str = "",
        when: Mapping[str, Any] | None = None,
        **prices: str,
    ) -> list[PriceRow]:
        by_tier = {0: prices} | dict(tiers or {})
        return [
            PriceRow(
                provider=provider,
                model=model,
                display_name=model,
                match=match,
                unit=unit,
                price_usd=Decimal(price),
                per=UNITS_BY_PRICE_KEY[unit].per if unit in UNITS_BY_PRICE_KEY else 1,
                position=position + index,
                source="test",
                tier_start=tier_start,
                **(when or {}),
            )
            for index, (tier_start, unit, price) in enumerate(
                (tier_start, unit, price) for tier_start, of_tier in by_tier.items() for unit, price in of_tier.items()
            )
        ]

    return build
