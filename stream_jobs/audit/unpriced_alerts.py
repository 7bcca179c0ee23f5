"""Models without a price: what the rollups say of them in, rows of the table `alerts` out, one for each that is new."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from warehouse.queries.query import Rows

KIND: Final = "unpriced_model"
ALERTS_PER_AUDIT: Final = 100
"""The most used ones first; the others follow with the next audits."""


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """Requests of an organisation that have no price, or none for a part of their usage. Provider, model: as sent."""

    organization: str
    provider: str
    model: str
    requests: int
    first: date
    last: date

    @property
    def alert_id(self) -> str:
        """The same whenever it is found again: a model is told once."""
        return "/".join((KIND, self.organization, self.provider, self.model))

    def alert(self, when: datetime) -> tuple[Any, ...]:
        """The row. when: the log's clock."""
        named = f"{self.provider or 'an unnamed provider'}'s {self.model!r}" if self.model else "usage without a model"
        message = (
            f"{named} has no price, or none for a part of its usage: {self.requests:,} requests of {self.organization} "
            f"since {self.first} count too little. ./tally prices missing shows what has no price and how much it is "
            f"used; set it, then ./tally reprice --since {self.first}"
        )
        details = {"provider": self.provider, "model": self.model, "requests": self.requests}
        details |= {"first": self.first.isoformat(), "last": self.last.isoformat()}
        return (self.alert_id, KIND, self.organization, when, message, json.dumps(details))


@dataclass(frozen=True, slots=True)
class UnpricedModels:
    """Every model that has requests without a price, the most used first; from rollups, so it costs little."""

    sql = """SELECT toString(organization), toString(provider), toString(model),
    sum(unpriced_requests) AS requests_without, min(day), max(day)
FROM usage_daily WHERE unpriced_requests > 0
GROUP BY organization, provider, model ORDER BY requests_without DESC, organization, provider, model"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> list[UnpricedModel]:
        """One model of an organisation per row."""
        return [
            UnpricedModel(organization, provider, model, int(requests), first, last)
            for organization, provider, model, requests, first, last in rows
        ]


def alerts_of_models(models: Iterable[UnpricedModel], known: set[str], when: datetime) -> list[tuple[Any, ...]]:
    """One row per model that was not told before, at most ALERTS_PER_AUDIT."""
    fresh = [each for each in models if each.alert_id not in known]
    return [each.alert(when) for each in fresh[:ALERTS_PER_AUDIT]]
