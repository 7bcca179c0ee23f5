"""Exchange rates for people and for conversions: filters in, what was said, when and by whom out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from warehouse.currency.exchange_rate import ExchangeRate, RatesOf
from warehouse.queries.query import Rows, utc


@dataclass(frozen=True, slots=True)
class SaidRate:
    """A rate as it was said. holds: False when another one was said for its day later."""

    rate: ExchangeRate
    author: str
    source: str
    note: str
    created: datetime
    holds: bool


@dataclass(frozen=True, slots=True)
class SaidRates:
    """Rates by currency and day, the newest first; held_only: without those that were replaced."""

    currency: str | None = None
    held_only: bool = False

    @property
    def sql(self) -> str:
        """The statement."""
        only = "WHERE currency = {currency:String} " if self.currency is not None else ""
        held = "WHERE holds = 1 " if self.held_only else ""
        return f"""SELECT toString(currency), day, units_per_usd, author, source, note, created, holds
FROM
(
    SELECT *, row_number() OVER (PARTITION BY currency, day ORDER BY created DESC) = 1 AS holds
    FROM exchange_rates FINAL {only}
) {held}ORDER BY currency, day DESC, created DESC"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The currency."""
        return {} if self.currency is None else {"currency": self.currency}

    def read(self, rows: Rows) -> list[SaidRate]:
        """One rate per row."""
        return [
            SaidRate(ExchangeRate(currency, day, units), author, source, note, utc(created), bool(holds))
            for currency, day, units, author, source, note, created, holds in rows
        ]


@dataclass(frozen=True, slots=True)
class RatesInForce:
    """The rates of one currency that hold."""

    currency: str

    @property
    def sql(self) -> str:
        """The statement."""
        return SaidRates(self.currency, held_only=True).sql

    @property
    def parameters(self) -> Mapping[str, object]:
        """The currency."""
        return {"currency": self.currency}

    def read(self, rows: Rows) -> RatesOf:
        """All of them as one lookup by day."""
        return RatesOf(self.currency, [ExchangeRate(*row[:3]) for row in rows])
