"""Exchange rates: what an operator says in, checked values and the rate of a day out."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from warehouse.errors import InvalidExchangeRate, MissingExchangeRate
from warehouse.queries.ranges import FIRST_DAY, LAST_DAY
from warehouse.queries.usage import EXACT
from warehouse.written_number import written_number

USD: Final = "USD"
PLACES_MAX: Final = 18
UNITS_MAX: Final = Decimal(10) ** 12
_CODE = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, order=True)
class ExchangeRate:
    """Units of a currency for one US dollar, from a day on until the next rate of that currency."""

    currency: str
    day: date
    units_per_usd: Decimal


def currency_code(text: str) -> str:
    """An ISO 4217 code in capitals. Raises InvalidExchangeRate."""
    code = text.strip().upper()
    if not _CODE.fullmatch(code):
        raise InvalidExchangeRate(f"currency: {text[:20]!r} is no code of three letters; write it like EUR")
    return code


def stated(currency: str, day: date, units_per_usd: str | Decimal) -> ExchangeRate:
    """A rate as an operator says it. Raises InvalidExchangeRate naming what cannot be, and the cure."""
    code = currency_code(currency)
    if code == USD:
        raise InvalidExchangeRate("currency: one USD is one USD; leave it out")
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidExchangeRate(f"day: {day} lies outside {FIRST_DAY} to {LAST_DAY}")
    units = written_number(units_per_usd)
    if units is None:
        raise InvalidExchangeRate(f"units_per_usd: {units_per_usd!r} is no number; write it like 0.9213")
    if not units.is_finite() or not 0 < units <= UNITS_MAX:
        raise InvalidExchangeRate(f"units_per_usd: {units_per_usd} must be above 0 and at most {UNITS_MAX}")
    if int(units.normalize(EXACT).as_tuple().exponent) < -PLACES_MAX:
        raise InvalidExchangeRate(f"units_per_usd: {units_per_usd} has more than {PLACES_MAX} places; round it")
    return ExchangeRate(code, day, units)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days on which one rate holds; last: None while no later rate is known."""

    first: date
    last: date | None
    units_per_usd: Decimal


class RatesOf:
    """The rates of one currency. US dollars are themselves on every day."""

    def __init__(self, currency: str, rates: Iterable[ExchangeRate]) -> None:
        self.currency: Final = currency
        itself = [ExchangeRate(USD, FIRST_DAY, Decimal(1))] if currency == USD else []
        mine = sorted((*itself, *(rate for rate in rates if rate.currency == currency)))
        self._days: Final = [rate.day for rate in mine]
        self._units: Final = [rate.units_per_usd for rate in mine]

    def on(self, day: date) -> Decimal:
        """Units for one dollar on that day. Raises MissingExchangeRate naming the currency and the day."""
        index = bisect_right(self._days, day)
        if not index:
            raise missing(self.currency, day)
        return self._units[index - 1]

    def converted(self, amount_usd: Decimal, day: date) -> Decimal:
        """The exact amount in the currency. Raises MissingExchangeRate."""
        return EXACT.multiply(amount_usd, self.on(day))

    def used(self, first: date, last: date) -> list[Stretch]:
        """The rates that hold on days from first to last, in order; days before the first rate have none."""
        if not self._days:
            return []
        ends = [*(day - timedelta(days=1) for day in self._days[1:]), None]
        stretches = [Stretch(*each) for each in zip(self._days, ends, self._units, strict=True)]
        return [each for each in stretches if each.first <= last and (each.last is None or each.last >= first)]


def missing(currency: str, day: date) -> MissingExchangeRate:
    """The error that says which day has no rate."""
    return MissingExchangeRate(
        f"there is no exchange rate for {currency} on {day}; set one: "
        f"./tally currency set {currency} UNITS_PER_USD --from {day}"
    )
