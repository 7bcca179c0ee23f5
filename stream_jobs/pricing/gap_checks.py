"""Whether each sheet of a file prices what the one before it does: a model's rows and ends with places in, gaps out."""

from collections.abc import Iterator, Sequence
from typing import Final

from stream_jobs.pricing.editing.dated_sheet import DatedSheet, dated_sheets
from stream_jobs.pricing.editing.unit_gaps import lost_rates, replaced_sheet
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.rate_checks import Placed, Problem

ENDS_NOTHING: Final = (
    "`none` as a price says that one unit of a sheet has ended; the other prices of that model, date and window must"
    " stand beside it (`none` as the unit ends all of them)"
)


def gap_problems(rows: Sequence[Placed], ends: Sequence[Placed] = ()) -> Iterator[Problem]:
    """What has a price until a sheet and none in it, and ends that end nothing."""
    places = {row: place for place, row in reversed(rows)}
    ended = {(_sheet_of(row), row.unit) for _, row in ends}
    sheets = dated_sheets(row for _, row in rows)
    for number, sheet in enumerate(sheets):
        for row in lost_rates(replaced_sheet(sheets[:number], sheet), sheet):
            if (_sheet_of(sheet.rows[0]), row.unit) not in ended:
                yield places[sheet.rows[0]], _gap(sheet, row, places[row])
    priced = {(_sheet_of(row), row.unit) for _, row in rows}
    begun = {_sheet_of(sheet.rows[0]) for sheet in sheets if sheet.rates}
    for place, row in ends:
        if _sheet_of(row) not in begun:
            yield place, ENDS_NOTHING
        elif (_sheet_of(row), row.unit) in priced:
            yield place, f"{row.unit} has a price and `none` for the same time; keep one"


def _gap(sheet: DatedSheet, lost: PriceRow, place: str) -> str:
    until = f"from {sheet.effective_from:%Y-%m-%d %H:%M} on"
    inside = f" between {sheet.window[0]} and {sheet.window[1]}" if sheet.window[0] else ""
    return (
        f"gap: {lost.unit} has a price ({place}), and none {until}{inside}; every price of a model must be said again"
        " with each new date or window (CSV: or `none` as its price, where it ends)"
    )


def _sheet_of(row: PriceRow) -> tuple[object, ...]:
    return row.effective_from, row.daily_from, row.daily_to, row.service_tier
