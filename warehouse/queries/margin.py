"""Provider cost against what is billed: a selection and a dimension in, a page of values with their margins out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from warehouse.currency.exchange_rate import missing
from warehouse.errors import MissingExchangeRate
from warehouse.queries.query import Rows
from warehouse.queries.selection import Selection, UnknownDimension

MARGIN_FILTERS = ("customer_id", "provider", "model")
SUMMED = (
    *("requests", "cost_usd", "byok_cost_usd", "provider_cost_usd", "billed_usd", "margin_usd", "credits"),
    "unpriced_requests",
)
CONVERTED = ("cost_usd", "provider_cost_usd", "billed_usd", "margin_usd")


class MarginBy(StrEnum):
    """What the margin is told of."""

    CUSTOMER = "customer_id"
    MODEL = "model"
    PROVIDER = "provider"
    DAY = "day"
    MONTH = "month"
    ORGANIZATION = "organization"


class MarginOrder(StrEnum):
    """What the values are sorted by: the lowest margin first, the highest bill first, or by name (dates in order)."""

    LOWEST_MARGIN = "lowest_margin"
    HIGHEST_BILL = "highest_bill"
    NAME = "name"


_RANKED = {
    MarginOrder.LOWEST_MARGIN: "sum_margin_usd ASC, ",
    MarginOrder.HIGHEST_BILL: "sum_billed_usd DESC, ",
    MarginOrder.NAME: "",
}


@dataclass(frozen=True, slots=True)
class MarginIn:
    """The same money in another currency, each day at its own rate, exact."""

    cost: Decimal
    provider_cost: Decimal
    billed: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True)
class Margin:
    """Sums of one value, USD exact.

    organization: whose value it is; "" where several organisations share it, as they do models, and for the whole.
    cost_usd: at the provider's prices, whoever pays. byok_cost_usd: the part that customers pay by their own keys.
    provider_cost_usd: the rest, which is ours. margin_usd: billed_usd less provider_cost_usd.
    """

    value: str
    organization: str
    requests: int
    cost_usd: Decimal
    byok_cost_usd: Decimal
    provider_cost_usd: Decimal
    billed_usd: Decimal
    margin_usd: Decimal
    credits: Decimal
    unpriced_requests: int
    converted: MarginIn | None = None

    @property
    def margin_share(self) -> float | None:
        """Margin by what is billed; None when nothing is."""
        return round(float(self.margin_usd / self.billed_usd), 6) if self.billed_usd else None


@dataclass(frozen=True, slots=True)
class MarginPage:
    """One page of values, what the whole selection sums to, and how many values there are.

    gap: a day has money and no rate of the currency; then nothing is converted.
    """

    page: list[Margin]
    whole: Margin
    values: int
    gap: MissingExchangeRate | None = None


@dataclass(frozen=True, slots=True)
class Margins:
    """The sums of all values are the sums of the selection. Raises UnknownDimension.

    A customer is one of its organisation: two of the same name in two organisations are two values.
    currency: show money in it too.
    """

    by: MarginBy
    selection: Selection
    order: MarginOrder = MarginOrder.LOWEST_MARGIN
    limit: int = 100
    skip: int = 0
    currency: str | None = None

    def __post_init__(self) -> None:
        for name, _ in self.selection.equals:
            if name not in MARGIN_FILTERS:
                raise UnknownDimension(f"the margin can be selected by {', '.join(MARGIN_FILTERS)}, not by {name}")

    @property
    def sql(self) -> str:
        """The statement: values and the whole from one snapshot, the page cut by position."""
        sums = "".join(f", sum({name}) AS sum_{name}" for name in SUMMED)
        columns = "".join(f", sum_{name}" for name in SUMMED)
        if self.currency is not None:
            sums += "".join(f", sum({name} * rate) AS in_{name}" for name in CONVERTED)
            sums += ", minIf(day, has_gap) AS gap_day, countIf(has_gap) AS gaps"
            columns += "".join(f", in_{name}" for name in CONVERTED) + ", gap_day, gaps"
        return f"""SELECT value, owner{columns}, is_whole, value_count
FROM
(
    SELECT
        *,
        row_number() OVER (PARTITION BY is_whole ORDER BY {_RANKED[self.order]}value ASC, owner ASC) AS position,
        countIf(is_whole = 0) OVER () AS value_count
    FROM
    (
        SELECT value, owner, grouping(value) AS is_whole{sums}
        FROM
        (
            {self._used if self.currency is None else self._rated}
        )
        GROUP BY GROUPING SETS ((value, owner), ())
        HAVING is_whole = 1 OR sum_requests != 0
    )
)
WHERE is_whole = 1 OR (position > {{skip:UInt64}} AND position <= {{skip:UInt64}} + {{limit:UInt64}})
ORDER BY is_whole DESC, position"""

    @property
    def _used(self) -> str:
        owner = "toString(organization)" if self.by is MarginBy.CUSTOMER else "''"
        return f"""SELECT toString({self.by}) AS value, {owner} AS owner, day, {", ".join(SUMMED)}
            FROM margin_daily {self.selection.where}"""

    @property
    def _rated(self) -> str:
        """With the rate of each day. Days are summed before: few rows meet the rates."""
        sums = ", ".join(f"sum(each.{name}) AS {name}" for name in SUMMED)
        return f"""SELECT used.*, toDecimal256(known.units_per_usd, 18) AS rate,
                rate = 0 AND (cost_usd != 0 OR billed_usd != 0) AS has_gap
            FROM
            (
                SELECT value, owner, day, {{currency:String}} AS wanted, {sums}
                FROM ({self._used}) AS each GROUP BY value, owner, day
            ) AS used
            ASOF LEFT JOIN
            (
                SELECT toString(currency) AS wanted, day AS since, units_per_usd FROM currency_rates
                WHERE currency = {{currency:String}}
            ) AS known ON used.wanted = known.wanted AND used.day >= known.since"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the selection, of the page and the currency."""
        shown = {} if self.currency is None else {"currency": self.currency}
        return {**self.selection.parameters, **shown, "skip": self.skip, "limit": self.limit}

    def read(self, rows: Rows) -> MarginPage:
        """The first row is the whole; the others are the page."""
        margins = [self._margin(row) for row in rows]
        gap = None
        if self.currency is not None:
            *_, day, gaps, _, _ = rows[0]
            gap = missing(self.currency, day) if gaps else None
        return MarginPage(page=margins[1:], whole=margins[0], values=int(rows[0][-1]), gap=gap)

    def _margin(self, row: Sequence[Any]) -> Margin:
        end = 2 + len(SUMMED)
        converted = None if self.currency is None else MarginIn(*row[end : end + len(CONVERTED)])
        values = [*row[:end], converted]
        return Margin(*values)
