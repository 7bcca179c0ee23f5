"""Why a call cost what it cost: its usage and one state of the prices in, the sum line by line out.

The same rule as PriceBook.price in plain numbers. Each line has the row of the price list that the book made its price
from.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

import polars as pl

from stream_jobs.pricing.cost_status import CostStatus
from stream_jobs.pricing.price_book import PriceBook
from stream_jobs.pricing.price_row import ALWAYS, PriceRow
from stream_jobs.pricing.quantities import read_quantities
from stream_jobs.pricing.rate_card import NANO_PER_USD, Charge, total_input_tokens
from stream_jobs.pricing.rounding import rounded_ratio
from stream_jobs.pricing.sheet import DAY_MS, Sheet
from stream_jobs.pricing.units import BUCKET_UNITS
from tokentally.tokens import TOKEN_BUCKETS

BUCKET_OF_USAGE_KEY: Final = {unit.usage_key: name for unit, name in zip(BUCKET_UNITS, TOKEN_BUCKETS, strict=True)}


@dataclass(frozen=True, slots=True)
class CostLine:
    """A quantity of usage and the price it took: quantity x price_usd / per.

    unit: a token bucket by our name, any other unit by the catalogue's. priced_unit: the unit whose price it took,
    "free" on a free model, None where nothing prices it. row: what the price list says, None without a price.
    above: where the line's marginal tier starts, 0 for a price that holds from the first unit on.
    """

    unit: str
    quantity: Fraction
    priced_unit: str | None
    price_usd: Decimal
    per: int
    row: PriceRow | None = None
    above: int = 0

    @property
    def usd(self) -> Fraction:
        """The exact amount; only the sum of all lines is rounded."""
        return self.quantity * Fraction(self.price_usd) / self.per


@dataclass(frozen=True, slots=True)
class CostLines:
    """The cost of one call under one state of the prices.

    priced_as, rule: the catalogue entry, and the rule that found it; empty for an unknown model. price_list: whose
    prices they are, an organization (its own may lie over some for everyone) or "" for everyone. effective_from, daily
    window (HH:MM:SS, UTC, empty: all day): when they hold for the caller; None when no price holds at the call's time.
    tier_start: the context tier, above so many input tokens. reported_nano_usd: what the provider said.
    """

    revision: int
    priced_as: str
    rule: str
    price_list: str
    effective_from: datetime | None
    daily_from: str
    daily_to: str
    input_tokens: Fraction
    tier_start: int
    minimum_audio_seconds: int
    lines: tuple[CostLine, ...]
    priced_status: CostStatus
    reported_nano_usd: int | None

    @property
    def exact_usd(self) -> Fraction:
        """The sum of the lines before it is rounded."""
        return sum((line.usd for line in self.lines), Fraction(0))

    @property
    def rounded_nano_usd(self) -> int:
        """The sum, rounded once, half to even."""
        return rounded_ratio(*(self.exact_usd * NANO_PER_USD).as_integer_ratio())

    @property
    def is_reported(self) -> bool:
        """Whether the provider's own figure stands in for a price that nobody knows."""
        return self.priced_status == "unpriced" and self.reported_nano_usd is not None

    @property
    def cost_nano_usd(self) -> int:
        """What the call costs."""
        return (self.reported_nano_usd or 0) if self.is_reported else self.rounded_nano_usd

    @property
    def status(self) -> CostStatus:
        """priced, partial, unpriced, free or reported."""
        return "reported" if self.is_reported else self.priced_status

    @property
    def unpriced_units(self) -> tuple[str, ...]:
        """Units that were used and that nothing prices: what makes a cost partial or unpriced."""
        return tuple(dict.fromkeys(line.unit for line in self.lines if line.priced_unit is None))

    @property
    def reported_difference_nano_usd(self) -> int | None:
        """What the provider reported above our own figure (below: negative); None when it reported nothing."""
        return None if self.reported_nano_usd is None else self.reported_nano_usd - self.rounded_nano_usd


def cost_lines(call: pl.DataFrame, book: PriceBook) -> CostLines:
    """The cost of one call: one row with the columns that `PriceBook.price` needs."""
    (said,) = call.iter_rows(named=True)
    found = book.resolve(said["organization"], said["provider"], said["model"])
    charged = book.charged(call)
    sheet, card = charged.sheet, charged.card
    daily_from, daily_to = _daily_window(sheet)
    return CostLines(
        revision=book.revision,
        priced_as=charged.priced_as,
        rule=found.rule if found else "",
        price_list=sheet.price_list if card.has_prices else "",
        effective_from=ALWAYS + timedelta(milliseconds=sheet.from_ms) if card.has_prices else None,
        daily_from=daily_from,
        daily_to=daily_to,
        input_tokens=_input_tokens(said),
        tier_start=card.tier_start,
        minimum_audio_seconds=card.minimum_audio_seconds,
        lines=tuple(_line(charge) for charge in charged.charges),
        priced_status=charged.status,
        reported_nano_usd=said["reported_cost_nano_usd"],
    )


def _line(charge: Charge) -> CostLine:
    unit = BUCKET_OF_USAGE_KEY.get(charge.unit, charge.unit)
    return CostLine(unit, charge.quantity, charge.priced_unit, charge.price_usd, charge.per, charge.row, charge.above)


def _daily_window(sheet: Sheet) -> tuple[str, str]:
    if sheet.daily_length_ms == DAY_MS:
        return "", ""
    return _time_of_day(sheet.daily_from_ms), _time_of_day(sheet.daily_from_ms + sheet.daily_length_ms)


def _time_of_day(milliseconds: int) -> str:
    return f"{ALWAYS + timedelta(milliseconds=milliseconds % DAY_MS):%H:%M:%S}"


def _input_tokens(said: dict[str, object]) -> Fraction:
    usage = {unit.usage_key: Fraction(str(said[name])) for unit, name in zip(BUCKET_UNITS, TOKEN_BUCKETS, strict=True)}
    for key, quantity in read_quantities(str(said["quantities"])):
        usage[key] = usage.get(key, Fraction(0)) + quantity
    return total_input_tokens(usage)
