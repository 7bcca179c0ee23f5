"""What a control record is about, before anything is done: a kind and its body in, the usage it meets out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from producers.control.bodies import (
    AmendBody,
    Body,
    ConfigBody,
    EraseBody,
    RepairBody,
    ReplaceBody,
    ReplayBody,
    RepriceBody,
    VoidBody,
)
from producers.control.selection import Selection
from warehouse.control.selected import EVERYTHING, among, condition
from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS
from warehouse.queries.query import Rows


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over events."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano_usd: int = 0
    billed_nano_usd: int = 0
    credits_micro: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_nano_usd + other.cost_nano_usd,
            self.billed_nano_usd + other.billed_nano_usd,
            self.credits_micro + other.credits_micro,
        )


MEASURES = {
    "requests": "1",
    "input_tokens": " + ".join(INPUT_BUCKETS),
    "output_tokens": " + ".join(OUTPUT_BUCKETS),
    "cost_nano_usd": "cost_nano_usd",
    "billed_nano_usd": "billed_nano_usd",
    "credits_micro": "credits_micro",
}
"""The measures of Totals over one raw event."""
Place = tuple[date, str]
"""A local day and a model."""


def where(organization: str, body: Body) -> str:
    """The raw events that a record meets, as a condition over usage_raw."""
    match body:
        case ConfigBody():
            return "false"
        case RepairBody(first=first, last=last):
            return f"{condition(organization, Selection())} AND day BETWEEN '{first}' AND '{last}'"
        case ReplayBody(first=first):
            return f"{condition(organization, Selection())} AND day >= '{first}'"
        case EraseBody(user_id=user_id):
            return condition(organization, Selection(user_id=user_id))
        case RepriceBody(selection=selection):
            return condition(organization, selection)
        case VoidBody() | AmendBody() | ReplaceBody():
            if body.selection is None:
                return among(organization, body.events)
            return condition(organization, body.selection)


@dataclass(frozen=True, slots=True)
class MetUsage:
    """The usage of events under a condition, by local day and model. It reads the newest version of each event."""

    where: str = EVERYTHING

    @property
    def sql(self) -> str:
        """The statement; sums have 128 bits. Measures are named so that they shadow no column of the condition."""
        sums = ", ".join(f"sum(toInt128({measure})) AS all_{name}" for name, measure in MEASURES.items())
        return (
            f"SELECT day AS local_day, toString(model) AS model_text, {sums} FROM usage_raw FINAL "
            f"WHERE {self.where} GROUP BY day, model ORDER BY local_day, model_text"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """None: the condition has its values in it, quoted."""
        return {}

    def read(self, rows: Rows) -> dict[Place, Totals]:
        """Totals by place."""
        return {(row[0], row[1]): Totals(*map(int, row[2:])) for row in rows}
