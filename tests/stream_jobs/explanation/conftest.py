"""Explanations made by hand, without a warehouse."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
import pytest

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.terms import Terms
from stream_jobs.explanation.explanation import Explanation, InForce, MultiplierState, explained
from stream_jobs.pricing import PriceBook, PriceRow
from tokentally.tokens import TOKEN_BUCKETS
from warehouse.queries.priced_calls import RevisionTold
from warehouse.queries.traced import DIMENSIONS, CountedEvent

Explain = Callable[..., Explanation]
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
PRICES = [
    PriceRow("openai", "gpt-4o", "GPT-4o", "", unit, Decimal(usd), 10**6, position, "a list")
    for position, (unit, usd) in enumerate({"input_mtok": "2.5", "cache_read_mtok": "1.25"}.items())
]
TOLD = RevisionTold("prices", 1, "", "ada", "the first", "a list", NOON)
CALL: dict[str, Any] = {
    "organization": "acme",
    "time": NOON,
    "provider": "openai",
    "model": "gpt-4o",
    "service_tier": "",
    "billing_type": "SYSTEM",
    "plan": "PRO",
    "reported_cost_nano_usd": None,
    **dict.fromkeys(TOKEN_BUCKETS, 0),
    "input_tokens": 1000,
    "quantities": "",
    "cost_nano_usd": 2_500_000,
    "cost_status": "priced",
    "priced_as": "openai/gpt-4o",
    "price_revision": 1,
    "billed_nano_usd": 3_000_000,
    "credits_micro": 2_000_000,
}
"""1,000 input tokens at 2.5 USD per million, billed with 20 %, at 2x."""


def made(**given: Any) -> Explanation:
    terms = replace(given.pop("terms", Terms()), markup_ppm=200_000)
    at_birth, former = given.pop("at_birth", ()), given.pop("former", [])
    void = given.pop("void", False)
    said = CALL | given
    frame = pl.DataFrame(
        [said],
        schema_overrides={
            "reported_cost_nano_usd": pl.Int64,
            "time": pl.Datetime("ms", "UTC"),
            **dict.fromkeys(TOKEN_BUCKETS, pl.Int64),
        },
    )
    event = CountedEvent(
        *("acme", UUID(int=7), "req-7", NOON, NOON, 1024, 5, 0, False, Decimal(0), Decimal(0), Decimal(0)),
        *(said["cost_status"], said["priced_as"], 1, 0, NOON, date(2026, 3, 14), date(2026, 3, 9)),
        dict.fromkeys(DIMENSIONS, "") | {"provider": said["provider"], "model": said["model"]},
        void,
    )
    book = PriceBook.from_rows(PRICES, revision=1)
    dearer = [PriceRow(*_values(row, row.price_usd * 2)) for row in PRICES]
    multipliers = MultiplierState(1, [MultiplierRow("openai", "gpt-4o", 2000, "multipliers.yaml")], terms)
    in_force = InForce(book, book, multipliers)
    under = PriceBook.from_rows(dearer, revision=2)
    return explained(event, frame, in_force, [TOLD], former, under, at_birth)


def _values(row: PriceRow, price_usd: Decimal) -> tuple[Any, ...]:
    return (*(row.provider, row.model, row.display_name, row.match, row.unit, price_usd, row.per, row.position), "b")


@pytest.fixture
def explain() -> Explain:
    """The explanation of a usual call; keywords change its row."""
    return made
