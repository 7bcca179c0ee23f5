"""Lists of sheets over each other, as one: it is charged what the compiled prices of all of them say."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.editing.dated_sheet import dated_sheets
from stream_jobs.pricing.editing.timeline import timeline
from stream_jobs.pricing.price_row import ALWAYS, NO_RATES
from tests.stream_jobs.pricing.conftest import UsageFrame

MONTHS = [datetime(2025, month, 1, tzinfo=UTC) for month in (1, 3, 5, 7)]
NIGHT = {"daily_from": "20:00:00", "daily_to": "04:00:00"}
UNITS = ("input_mtok", "output_mtok")


def sheet(start: datetime, usd: int, tier: str = "", **window: str) -> list[PriceRow]:
    units = UNITS if usd else (NO_RATES,)
    return [
        PriceRow(
            *("maker", "large", "large", "", unit, Decimal(usd + place), 10**6 if usd else 1, 0, "list"),
            effective_from=start,
            service_tier=tier,
            **window,  # type: ignore[arg-type]
        )
        for place, unit in enumerate(units)
    ]


def owners_rows(chance: Random, *, is_whole: bool) -> list[PriceRow]:
    """Sheets in the order that stored ones have: by date, those for all day first; perhaps with an end."""
    rows = sheet(ALWAYS, 5) if is_whole else []
    for start in MONTHS:
        for tier in ("", "batch"):
            # A service tier's own prices stand over standard ones: `with_price` says those with them.
            standard = [row.unit for row in rows if not row.service_tier]
            has_standard = bool(standard) and standard[-1] != NO_RATES
            if chance.random() < 0.4 and (has_standard or not tier):
                rows += sheet(start, chance.randrange(10, 90), tier)
                rows += sheet(start, chance.randrange(10, 90), tier, **NIGHT) if chance.random() < 0.4 else []
        if rows and not is_whole and chance.random() < 0.25:
            tiers = dict.fromkeys(row.service_tier for row in rows)
            rows = [row for row in rows if row.effective_from < start]
            rows += [row for tier in tiers for row in sheet(start, 0, tier)]
    return [replace(row, position=place) for place, row in enumerate(rows)]


@pytest.mark.parametrize("seed", range(60))
def test_one_list_charges_what_several_do(usage_frame: UsageFrame, seed: int) -> None:
    chance = Random(seed)
    everyones = owners_rows(chance, is_whole=True)
    own = [replace(row, organization="acme") for row in owners_rows(chance, is_whole=False)]
    laid = [row for each in timeline([dated_sheets(own), dated_sheets(everyones)]) for row in each.rows]
    as_one = [replace(row, organization="", position=place) for place, row in enumerate(laid)]
    events: list[dict[str, Any]] = [
        {"provider": "maker", "model": "large", "time": at.replace(day=9, hour=hour), "service_tier": tier}
        | {"input_tokens": 10**6, "output_tokens": 3 * 10**6}
        for at in (datetime(2024, 1, 1, tzinfo=UTC), *MONTHS)
        for hour in (12, 22)
        for tier in ("", "batch", "flex")
    ]
    priced = [
        PriceBook.from_rows(rows, revision=1).price(usage_frame(events)).select("cost_nano_usd", "cost_status").rows()
        for rows in ([*everyones, *own], as_one)
    ]
    assert priced[0] == priced[1]
