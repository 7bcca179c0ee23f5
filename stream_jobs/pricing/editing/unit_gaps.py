"""Usage that loses its price where a sheet replaces another: a model's sheets in, the prices that are missing out.

A sheet holds alone from its date on. So usage that the one before it prices, and that none of its own units contains,
would cost nothing from then on without anybody having said so.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stream_jobs.pricing.editing.dated_sheet import DatedSheet, Place
from stream_jobs.pricing.editing.going_on import in_force
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY, most_specific


@dataclass(frozen=True, slots=True)
class EndedUnit:
    """A unit of which a list says that it has no price in a sheet. place: of the sheet."""

    provider: str
    model: str
    unit: str
    place: Place


def replaced_sheet(earlier: Iterable[DatedSheet], sheet: DatedSheet) -> DatedSheet | None:
    """What held of the same service tier until this sheet, None for nothing. earlier: those above it, by precedence."""
    return in_force([list(earlier)], sheet.effective_from, sheet.window, sheet.service_tier)


def lost_rates(before: DatedSheet | None, sheet: DatedSheet) -> list[PriceRow]:
    """The prices of what nothing in the sheet prices. An end and a free model lose nothing by mistake.

    Nor do service tiers: what they leave out costs as much as in the standard one.
    """
    if before is None or sheet.is_closing or sheet.service_tier:
        return []
    known = [UNITS_BY_PRICE_KEY[row.unit] for row in sheet.rates]
    return [row for row in before.rates if most_specific(known, UNITS_BY_PRICE_KEY[row.unit]) is None]
