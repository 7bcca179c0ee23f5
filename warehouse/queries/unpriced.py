"""Models whose usage has no price, or only in part: an organisation and days in, models with their volumes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from warehouse.control.met import MEASURES
from warehouse.queries.query import Rows, utc

_STATUSES: Final = "cost_status IN ('unpriced', 'partial', 'reported')"


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """Usage of one model by one organization. status: unpriced (costs 0), partial (some of it
    costs 0), or reported (no price either; what the provider reported stands in)."""

    organization: str
    provider: str
    model: str
    status: str
    requests: int
    input_tokens: int
    output_tokens: int
    first: datetime
    last: datetime
    example_event_id: UUID
    """The last call: its explanation names what has no price."""


@dataclass(frozen=True, slots=True)
class UnpricedModels:
    """The most used first. days: usage of so many days until now. organization: None for all."""

    organization: str | None = None
    days: int = 30
    limit: int = 100

    @property
    def sql(self) -> str:
        """The statement."""
        whose = " AND organization = {organization:String}" if self.organization is not None else ""
        sums = ", ".join(f"sum(toInt128({MEASURES[name]})) AS all_{name}" for name in ("input_tokens", "output_tokens"))
        return f"""SELECT toString(organization), toString(provider), toString(model), toString(cost_status),
    count() AS requests, {sums}, min(time), max(time), argMax(event_id, time)
FROM usage_raw FINAL
WHERE time >= now64(3, 'UTC') - toIntervalDay({{days:UInt32}}) AND {_STATUSES}{whose}
GROUP BY organization, provider, model, cost_status
ORDER BY requests DESC, organization, provider, model, cost_status LIMIT {{limit:UInt64}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and limit."""
        values: dict[str, object] = {"days": self.days, "limit": self.limit}
        return values if self.organization is None else values | {"organization": self.organization}

    def read(self, rows: Rows) -> list[UnpricedModel]:
        """One model per row."""
        return [_model(*row) for row in rows]


def _model(
    organization: str,
    provider: str,
    model: str,
    status: str,
    requests: int,
    input_tokens: int,
    output_tokens: int,
    first: datetime,
    last: datetime,
    example: UUID,
) -> UnpricedModel:
    tokens = (int(input_tokens), int(output_tokens))
    return UnpricedModel(organization, provider, model, status, requests, *tokens, utc(first), utc(last), example)
