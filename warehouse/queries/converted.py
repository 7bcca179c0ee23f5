"""Money of a selection in another currency: a question about usage in, its cost and billed amount converted out.

Each day's sum is multiplied by the rate of that day, exactly; nothing is rounded before it is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from warehouse.currency.exchange_rate import missing
from warehouse.errors import MissingExchangeRate
from warehouse.queries.query import Rows, utc

Value = str | date | datetime


@dataclass(frozen=True, slots=True)
class Money:
    """Cost and billed amount in another currency, exact."""

    cost: Decimal
    billed: Decimal


NO_MONEY = Money(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class ConvertedParts:
    """By value, and all together. gap: why there is nothing: a day with money has no rate."""

    whole: Money = NO_MONEY
    parts: Mapping[Value, Money] = field(default_factory=dict)
    gap: MissingExchangeRate | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """usage: a statement with the columns value, day, cost_usd and billed_usd, whose placeholders have `given`.

    values: only these, beside the whole; None: all.
    """

    currency: str
    usage: str
    given: Mapping[str, object]
    values: Sequence[str] | None = None

    @property
    def sql(self) -> str:
        """The statement. Money of a day is summed before it is converted: few rows meet the rates."""
        some = "" if self.values is None else " OR value IN {values:Array(String)}"
        which = "" if self.values is None else f"\nHAVING is_whole = 1{some}"
        return f"""SELECT value, grouping(value) AS is_whole, sum(cost * rate), sum(billed * rate),
    minIf(day, rate = 0 AND (cost != 0 OR billed != 0)), countIf(rate = 0 AND (cost != 0 OR billed != 0))
FROM
(
    SELECT value, day, cost, billed, toDecimal256(units_per_usd, 18) AS rate
    FROM
    (
        SELECT value, day, sum(cost_usd) AS cost, sum(billed_usd) AS billed, {{currency:String}} AS wanted
        FROM ({self.usage}) GROUP BY value, day
    ) AS used
    ASOF LEFT JOIN
    (
        SELECT toString(currency) AS wanted, day AS since, units_per_usd FROM currency_rates
        WHERE currency = {{currency:String}}
    ) AS known ON used.wanted = known.wanted AND used.day >= known.since
)
GROUP BY GROUPING SETS ((value), ()){which}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the usage, the currency and the values."""
        chosen = {} if self.values is None else {"values": list(self.values)}
        return {**self.given, **chosen, "currency": self.currency}

    def read(self, rows: Rows) -> ConvertedParts:
        """One value per row; the whole knows the first day without a rate."""
        whole = NO_MONEY
        parts: dict[Value, Money] = {}
        for value, is_whole, cost, billed, day, gaps in rows:
            if is_whole and gaps:
                return ConvertedParts(gap=missing(self.currency, day))
            if is_whole:
                whole = Money(cost, billed)
            else:
                parts[utc(value) if isinstance(value, datetime) else value] = Money(cost, billed)
        return ConvertedParts(whole, parts)
