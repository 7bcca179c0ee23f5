"""Entries by service tier: a frame's entry numbers and service tiers in, the numbers of the entries that price them
out.

A tier with rates of its own is an entry behind the standard ones, so that all else about pricing stays the same.
Where a model has none, and where another provider sells it (whose tiers are its own), the standard rates hold:
the catalogue's rule.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import polars as pl

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.levels import joined
from stream_jobs.pricing.price_row import SERVICE_TIERS, PriceRow
from stream_jobs.pricing.sheet import Sheet, sheets

TierSheets: TypeAlias = Mapping[str, tuple[Sheet, ...]]
"""One model's sheets by service tier: "" for the standard one, and those that have rates of their own."""

_TIER_INDEX: Final = {tier: index for index, tier in enumerate(SERVICE_TIERS)}


def sheets_by_service_tier(rows: Sequence[PriceRow], everyones: Sequence[PriceRow] = ()) -> TierSheets:
    """One model's sheets. everyones: its standard rows for everyone, where the rows are an organization's.

    Raises PriceListRefused for rates or a service tier that cannot be right.
    """
    tiers = {row.service_tier for row in rows if row.service_tier}
    if unknown := tiers.difference(SERVICE_TIERS):
        raise PriceListRefused(
            f"{rows[0].provider}/{rows[0].model}: service tier {min(unknown)!r} does not exist; write one of"
            f" {', '.join(SERVICE_TIERS)}, or nothing for the standard one"
        )
    return {tier: sheets(rows, tier, everyones) for tier in ("", *SERVICE_TIERS) if not tier or tier in tiers}


def numbered(by_entry: Sequence[TierSheets], first: int) -> tuple[list[tuple[Sheet, ...]], list[int]]:
    """The sheets of entries whose numbers begin at `first`, those of their service tiers behind them; and for each of
    these numbers the entry that prices it in each of SERVICE_TIERS."""
    found: list[tuple[Sheet, ...]] = [tiers[""] for tiers in by_entry]
    numbers: list[int] = []
    for entry, tiers in enumerate(by_entry, start=first):
        for tier in SERVICE_TIERS:
            numbers.append(first + len(found) if tier in tiers else entry)
            found += [tiers[tier]] if tier in tiers else []
    special = range(first + len(by_entry), first + len(found))
    return found, [*numbers, *(entry for entry in special for _ in SERVICE_TIERS)]


class ServiceTierEntries:
    """Which entry prices another one in a service tier."""

    def __init__(self, numbers: pl.Series) -> None:
        """`numbers` (UInt32): of each entry in its order one for each of SERVICE_TIERS, as `numbered` gives them."""
        self._numbers: Final = numbers

    def extended(self, numbers: Sequence[int]) -> "ServiceTierEntries":
        """With those of further entries."""
        return ServiceTierEntries(joined(self._numbers, pl.Series(numbers, dtype=pl.UInt32)))

    def entry_of(self, entry: pl.Series, service_tier: pl.Series) -> pl.Series:
        """The number of each row's entry in its service tier; the standard one for "" and words that are no tier."""
        tier = service_tier.replace_strict(_TIER_INDEX, default=None, return_dtype=pl.UInt32)
        special = self._numbers.gather(entry * len(SERVICE_TIERS) + tier.fill_null(0))
        return special.zip_with(tier.is_not_null(), entry)
