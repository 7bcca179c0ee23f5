"""Prices and multipliers as their tables keep them: a row and who said it in, values by column out."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from stream_jobs.credits.multiplier_row import MultiplierRow, tier_of
from stream_jobs.pricing.price_row import PriceRow


def price_record(row: PriceRow, author: str, note: str, created: datetime) -> dict[str, Any]:
    """A row of `prices`, without its revision."""
    return {**asdict(row), "author": author, "note": note, "created": created}


def multiplier_record(row: MultiplierRow, author: str, created: datetime) -> dict[str, Any]:
    """A row of `multipliers`, without its revision."""
    return {**asdict(row), "tier": tier_of(row.multiplier_milli), "author": author, "created": created}
