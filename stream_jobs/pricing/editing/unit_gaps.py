"""Usage that loses its price where a sheet replaces another: a model's sheets in, the prices that are missing out.

A sheet holds alone from its date on. So usage that the one before it prices, and that none of its own units contains,
would cost nothing from then on without anybody having said so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stream_jobs.pricing.editing.dated_sheet import DatedSheet, Place, rate_key
from stream_jobs.pricing.editing.going_on import in_force, moved
from stream_jobs.pricing.editing.source_family import says_all
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY, most_specific


@dataclass(frozen=True, slots=True)
class EndedUnit:
    """A unit of which a list says that it has no price in a sheet. place: of the sheet."""

    provider: str
    model: str
    unit: str
    place: Place


def replaced_sheet(earlier: Iterable[DatedSheet], sheet: DatedSheet, *known: Sequence[DatedSheet]) -> DatedSheet | None:
    """What held of the same service tier until this sheet, None for nothing.

    earlier: the owner's sheets above it, by precedence. known: what holds where the owner has none, list by list.
    """
    return in_force([list(earlier), *known], sheet.effective_from, sheet.window, sheet.service_tier)


def lost_rates(before: DatedSheet | None, sheet: DatedSheet) -> list[PriceRow]:
    """The prices of what nothing in the sheet prices. An end and a free model lose nothing by mistake.

    Nor do service tiers: what they leave out costs as much as in the standard one.
    """
    if before is None or sheet.is_end or sheet.is_free or sheet.service_tier:
        return []
    known = [UNITS_BY_PRICE_KEY[row.unit] for row in sheet.rates]
    return [row for row in before.rates if most_specific(known, UNITS_BY_PRICE_KEY[row.unit]) is None]


def _rates_going_on(before: DatedSheet | None, sheet: DatedSheet) -> list[PriceRow]:
    """What holds on under a sheet of a list: all that it does not name, unless the list is a newer state of what said
    it; then what would have no price at all."""
    lost = lost_rates(before, sheet)
    if before is None or sheet.is_end or sheet.is_free:
        return lost
    first, named = sheet.rows[0], {rate_key(row) for row in sheet.rows}
    return [row for row in before.rates if rate_key(row) not in named and (row in lost or not says_all(first, row))]


def without_gaps(
    past: Sequence[DatedSheet],
    sheets: Sequence[DatedSheet],
    known: Sequence[Sequence[DatedSheet]],
    ended: frozenset[EndedUnit],
) -> list[DatedSheet]:
    """The sheets, in their order, with what goes on of the past: what they do not name, but for what has ended.

    known: what holds where the owner has nothing of its own in the past, list by list.
    """
    made: list[DatedSheet] = []
    for sheet in sheets:
        before = replaced_sheet((*past, *made), sheet, *known)
        first = sheet.rows[0]
        rows = [
            moved(row, first)
            for row in _rates_going_on(before, sheet)
            if EndedUnit(first.provider, first.model, row.unit, sheet.place) not in ended
        ]
        made.append(DatedSheet((*sheet.rows, *rows)))
    return made
