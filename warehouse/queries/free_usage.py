"""Executions of the free plan against its daily limit: an organisation and days in, users by day out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from warehouse.currency.exchange_rate import RatesOf
from warehouse.queries.query import Rows

COLUMNS = "organization, day, user_id, executions, free_daily_limit, remaining, excess, cost_usd"


@dataclass(frozen=True, slots=True)
class FreeDay:
    """One user's executions of the free plan between two UTC midnights.

    cost_usd: ours, without BYOK; nothing is billed.
    """

    organization: str
    day: date
    user_id: str
    executions: int
    free_daily_limit: int
    remaining: int
    excess: int
    cost_usd: Decimal

    def cost_in(self, rates: RatesOf) -> Decimal:
        """The exact cost in another currency, at the day's rate. Raises MissingExchangeRate unless it is nothing."""
        return rates.converted(self.cost_usd, self.day) if self.cost_usd else Decimal(0)


@dataclass(frozen=True, slots=True)
class FreeUsage:
    """The newest day first, then those with most executions. first_day, last_day: dates in UTC, both included.

    organization: None for all. above_limit: only users that went beyond.
    """

    organization: str | None
    first_day: date
    last_day: date
    user_id: str | None = None
    above_limit: bool = False
    limit: int = 100
    skip: int = 0

    @property
    def sql(self) -> str:
        """The statement."""
        conditions = [
            "organization = {organization:String}" if self.organization is not None else "",
            "day >= {first_day:Date}",
            "day <= {last_day:Date}",
            "user_id = {user_id:String}" if self.user_id is not None else "",
            "excess > 0" if self.above_limit else "",
        ]
        return (
            f"SELECT {COLUMNS} FROM free_usage_daily WHERE {' AND '.join(filter(None, conditions))} "
            "ORDER BY day DESC, executions DESC, organization, user_id "
            "LIMIT {limit:UInt64} OFFSET {skip:UInt64}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and page."""
        values: dict[str, object] = {
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "limit": self.limit,
            "skip": self.skip,
        }
        if self.organization is not None:
            values["organization"] = self.organization
        if self.user_id is not None:
            values["user_id"] = self.user_id
        return values

    def read(self, rows: Rows) -> list[FreeDay]:
        """One user's day per row."""
        return [FreeDay(*row) for row in rows]
