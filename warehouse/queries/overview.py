"""The overview's own numbers: totals, this month, average latency, most used model, number of prompts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from warehouse.queries.query import Rows
from warehouse.queries.selection import Selection


@dataclass(frozen=True, slots=True)
class Totals:
    """All-time sums and those of one month; top_model is empty when no request named a model."""

    requests: int
    cost_usd: Decimal
    total_tokens: int
    month_cost_usd: Decimal
    month_total_tokens: int
    duration_ms: int
    timed_requests: int
    top_model: str
    top_model_requests: int

    @property
    def average_duration_ms(self) -> float | None:
        """Mean response time of the requests that carry one; None when none does."""
        return self.duration_ms / self.timed_requests if self.timed_requests else None


@dataclass(frozen=True, slots=True)
class OverviewTotals:
    """All usage of an organisation (None: of all together), and the month that starts on `month`."""

    organization: str | None
    month: date

    @property
    def sql(self) -> str:
        """The statement: one pass over the days."""
        return f"""SELECT
    sum(requests), sum(cost_usd), sum(total_tokens),
    sumIf(cost_usd, month = {{month:Date}}), sumIf(total_tokens, month = {{month:Date}}),
    sum(duration_ms), sum(timed_requests),
    sumMapIf([toString(model)], [requests], model != '') AS models,
    arraySort((name, used) -> (-used, name), models.1, models.2)[1],
    arrayReverseSort(models.2)[1]
FROM usage_daily {Selection(self.organization).where}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Organisation and month."""
        return {**Selection(self.organization).parameters, "month": self.month.isoformat()}

    def read(self, rows: Rows) -> Totals:
        """The one row."""
        *sums, _, top_model, top_model_requests = rows[0]
        return Totals(*(*sums, top_model, top_model_requests))


@dataclass(frozen=True, slots=True)
class PromptCount:
    """Number of different prompts: those that were ever used, and those that the directory knows as active now."""

    organization: str | None

    @property
    def sql(self) -> str:
        """The statement; two organisations may use the same id for two prompts."""
        only = "" if self.organization is None else " AND organization = {organization:String}"
        return f"""SELECT uniqExact((name, prompt))
FROM
(
    SELECT toString(organization) AS name, prompt_id AS prompt FROM usage_by_prompt WHERE requests > 0{only}
    UNION ALL
    SELECT organization, id FROM directory WHERE kind = 'prompt' AND state = 'active'{only}
)"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The organisation."""
        return Selection(self.organization).parameters

    def read(self, rows: Rows) -> int:
        """The one number."""
        return int(rows[0][0])
