"""The dated sheets of one model as its price rows say them: rows in, sheets by precedence out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, TypeAlias

from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow

_SAYS: Final = frozenset({"display_name", "match", "price_usd", "per", "position", "source", "marginal"})
SHEET_KEY: Final = ("organization", "provider", "model", "effective_from", "daily_from", "daily_to", "service_tier")
"""What tells the sheets of one revision apart."""
ROW_KEY: Final = tuple(each.name for each in fields(PriceRow) if each.name not in _SAYS)
"""What tells the rows of one revision apart; the other fields are what a row says."""
_RATE: Final = tuple(name for name in ROW_KEY if name not in {*SHEET_KEY, "tier_start"})

Place: TypeAlias = tuple[datetime, tuple[str, str], str]
"""Date, daily window and service tier of a sheet."""


def row_key(row: PriceRow) -> tuple[Any, ...]:
    """The values of ROW_KEY."""
    return tuple(getattr(row, name) for name in ROW_KEY)


def rate_key(row: PriceRow) -> tuple[Any, ...]:
    """What a row prices inside its sheet, whatever the tier."""
    return tuple(getattr(row, name) for name in _RATE)


def unnamed(known: Iterable[PriceRow], new: Iterable[PriceRow]) -> list[PriceRow]:
    """The known rates of a sheet that new ones do not name.

    A unit's price is that of all contexts and quantities; one that is only for those above a start leaves the others.
    """
    named = {(rate_key(row), row.tier_start) for row in new}
    return [row for row in known if not named & {(rate_key(row), 0), (rate_key(row), row.tier_start)}]


@dataclass(frozen=True, slots=True)
class DatedSheet:
    """Rows that hold together from an instant on, all day or inside a daily window."""

    rows: tuple[PriceRow, ...]

    @property
    def effective_from(self) -> datetime:
        """From when it holds."""
        return self.rows[0].effective_from

    @property
    def window(self) -> tuple[str, str]:
        """Start and end of the daily window, empty for all day."""
        return self.rows[0].daily_from, self.rows[0].daily_to

    @property
    def place(self) -> Place:
        """What no other sheet of the same owner's model has."""
        return self.effective_from, self.window, self.service_tier

    @property
    def service_tier(self) -> str:
        """How calls are served that it is for: empty for the standard."""
        return self.rows[0].service_tier

    @property
    def is_end(self) -> bool:
        """Whether from here nothing is known of the price."""
        return self.rows[0].unit == NO_RATES

    @property
    def is_free(self) -> bool:
        """Whether the source calls the model free."""
        return self.rows[0].unit == FREE

    @property
    def is_closing(self) -> bool:
        """Whether from here the model has no rates: it is free, or nothing is known of its price."""
        return self.is_end or self.is_free

    @property
    def rates(self) -> tuple[PriceRow, ...]:
        """Its rows that have a price."""
        return tuple(row for row in self.rows if row.unit not in (FREE, NO_RATES))


def dated_sheets(rows: Iterable[PriceRow]) -> list[DatedSheet]:
    """The sheets of one owner's model in the order of its rows, which is that of precedence: the last active holds."""
    grouped: dict[tuple[datetime, str, str, str], list[PriceRow]] = {}
    for row in rows:
        key = (row.effective_from, row.daily_from, row.daily_to, row.service_tier)
        grouped.setdefault(key, []).append(row)
    return [DatedSheet(tuple(group)) for group in grouped.values()]


def all_day_at(sheets: Sequence[DatedSheet], at: datetime, service_tier: str = "") -> DatedSheet | None:
    """The sheet that holds at an instant outside every daily window; None before the first."""
    begun = (s for s in reversed(sheets) if s.effective_from <= at and s.service_tier == service_tier)
    return next((sheet for sheet in begun if sheet.window == ("", "")), None)


def has_price(sheets: Sequence[DatedSheet], at: datetime, service_tier: str) -> bool:
    """Whether a price is known then, outside every daily window."""
    found = all_day_at(sheets, at, service_tier)
    return found is not None and not found.is_end


def windows_at(sheets: Sequence[DatedSheet], at: datetime, service_tier: str = "") -> dict[tuple[str, str], DatedSheet]:
    """The sheets that hold inside daily windows at an instant, by window: a later price for all day ends them."""
    found: dict[tuple[str, str], DatedSheet] = {}
    for sheet in sheets:
        if sheet.effective_from > at or sheet.service_tier != service_tier:
            continue
        if sheet.window == ("", ""):
            found.clear()
        else:
            found[sheet.window] = sheet
    return found


def inserted(sheets: Sequence[DatedSheet], sheet: DatedSheet) -> list[DatedSheet]:
    """In the place of the sheet of that date, window and service tier, else after all that begin no later.

    One for all day stands before the windows of its date, which it would hide.
    """
    before = next((place for place, known in enumerate(sheets) if known.place == sheet.place), None)
    if before is not None:
        earlier, later = list(sheets[:before]), list(sheets[before + 1 :])
    else:
        earlier = [known for known in sheets if known.effective_from <= sheet.effective_from]
        later = [known for known in sheets if known.effective_from > sheet.effective_from]
    if sheet.window != ("", ""):
        return [*earlier, sheet, *later]
    of_date = (sheet.effective_from, sheet.service_tier)
    windows = [known for known in earlier if (known.effective_from, known.service_tier) == of_date]
    return [*(known for known in earlier if known not in windows), sheet, *windows, *later]
