"""Usage by the values of one dimension: a selection in, a page of values with their sums and the whole's out."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from warehouse.queries.query import Rows
from warehouse.queries.selection import DIMENSIONS, Selection, UnknownDimension

FAMILY_VIEWS = {"prompt_id": "usage_by_prompt", "category": "usage_by_category", "thread_id": "usage_by_thread"}
"""Dimensions with a narrow family of their own."""
FAMILY_FILTERS = {"prompt_id": ("provider", "model"), "category": ("provider", "model"), "thread_id": ()}
BREAKDOWN_DIMENSIONS = ("organization", *DIMENSIONS, *FAMILY_VIEWS)
SUMMED = (
    "requests",
    "errors",
    "total_input_tokens",
    "total_output_tokens",
    "cost_usd",
    "billed_usd",
    "credits",
)


MONEY = ("cost_usd", "billed_usd")


class Order(StrEnum):
    """What the values are sorted by, highest first; equal ones by name."""

    REQUESTS = "requests"
    COST = "cost_usd"
    BILLED = "billed_usd"
    CREDITS = "credits"
    TOKENS = "total_tokens"
    ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class Part:
    """The sums of one value of the dimension; the empty value is usage that carries none."""

    value: str
    requests: int
    errors: int
    total_input_tokens: int
    total_output_tokens: int
    cost_usd: Decimal
    billed_usd: Decimal
    credits: Decimal
    top_model: str
    """Model with most requests, the first by name of equals; empty when unknown."""

    @property
    def total_tokens(self) -> int:
        """All tokens."""
        return self.total_input_tokens + self.total_output_tokens


@dataclass(frozen=True, slots=True)
class Parts:
    """One page of values, what the whole selection sums to, and how many values there are."""

    page: list[Part]
    whole: Part
    values: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The sums of all values are the sums of the selection: usage without the dimension has the empty value.

    The narrow families know only some dimensions. Raises UnknownDimension.
    """

    dimension: str
    selection: Selection
    order: Order = Order.COST
    limit: int = 100
    skip: int = 0

    def __post_init__(self) -> None:
        if self.dimension not in BREAKDOWN_DIMENSIONS:
            known = ", ".join(BREAKDOWN_DIMENSIONS)
            raise UnknownDimension(f"{self.dimension!r} is no dimension; choose from {known}")
        allowed = FAMILY_FILTERS.get(self.dimension, DIMENSIONS)
        for name, _ in self.selection.equals:
            if name not in allowed:
                choice = ", ".join(allowed) or "no other dimension"
                raise UnknownDimension(f"{self.dimension} can be selected by {choice}, not by {name}")

    @property
    def sql(self) -> str:
        """The statement: values and the whole from one snapshot, the page cut by position."""
        sums = ", ".join(f"sum({name}) AS sum_{name}" for name in SUMMED)
        columns = ", ".join(f"sum_{name}" for name in SUMMED)
        ranked = (
            "sum_total_input_tokens + sum_total_output_tokens" if self.order is Order.TOKENS else f"sum_{self.order}"
        )
        return f"""SELECT value, {columns}, top_model, is_whole, value_count
FROM
(
    SELECT
        *,
        row_number() OVER (PARTITION BY is_whole ORDER BY {ranked} DESC, value ASC) AS position,
        countIf(is_whole = 0) OVER () AS value_count
    FROM
    (
        SELECT
            value,
            grouping(value) AS is_whole,
            {sums},
            sumMapIf([used_model], [requests], used_model != '') AS models,
            arraySort((name, used) -> (-used, name), models.1, models.2)[1] AS top_model
        FROM ({self._source(SUMMED)})
        GROUP BY GROUPING SETS ((value), ())
        HAVING is_whole = 1 OR sum_requests != 0
    )
)
WHERE is_whole = 1 OR (position > {{skip:UInt64}} AND position <= {{skip:UInt64}} + {{limit:UInt64}})
ORDER BY is_whole DESC, position"""

    @property
    def money(self) -> str:
        """A statement with the money of each day by value, for conversions."""
        return f"SELECT value, day, cost_usd, billed_usd FROM ({self._source(MONEY, with_day=True)})"

    def _source(self, measures: tuple[str, ...], *, with_day: bool = False) -> str:
        where = self.selection.where
        day = ", day" if with_day else ""
        columns = f"{', '.join(measures)}{day}"
        view = FAMILY_VIEWS.get(self.dimension)
        if view is None:
            value = f"toString({self.dimension}) AS value"
            return f"SELECT {value}, toString(model) AS used_model, {columns} FROM usage_daily {where}"
        # What is in no row of the family is the difference to all: added under the empty value.
        model = "''" if self.dimension == "thread_id" else "toString(model)"
        negative = ", ".join(f"-{name}" for name in measures) + day
        return (
            f"SELECT {self.dimension} AS value, {model} AS used_model, {columns} FROM {view} {where} "
            f"UNION ALL SELECT '', {model}, {columns} FROM usage_daily {where} "
            f"UNION ALL SELECT '', {model}, {negative} FROM {view} {where}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the selection and of the page."""
        return {**self.selection.parameters, "skip": self.skip, "limit": self.limit}

    def read(self, rows: Rows) -> Parts:
        """The first row is the whole; the others are the page."""
        parts = [Part(*row[: len(SUMMED) + 2]) for row in rows]
        return Parts(page=parts[1:], whole=parts[0], values=int(rows[0][-1]))
