"""Which usage a question is about: an organisation, local days and values of dimensions in, a WHERE clause out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from warehouse.families import ROLLUP

DIMENSIONS: tuple[str, ...] = ROLLUP.dimensions
"""The dimensions of the wide rollup family; usage can be selected and broken down by each."""


class UnknownDimension(ValueError):
    """A dimension that this question does not know: use one of those the message lists."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Usage of one organisation (None: of all together) in its own calendar, first and last day included.

    equals: dimension and value; the empty string selects usage that carries none.
    Raises UnknownDimension: names become part of the statement, so they must be known ones.
    """

    organization: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    equals: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, _ in self.equals:
            if name not in DIMENSIONS:
                raise UnknownDimension(f"{name!r} is no dimension; choose from {', '.join(DIMENSIONS)}")

    @property
    def where(self) -> str:
        """The clause, empty when everything is selected."""
        conditions = [
            "organization = {organization:String}" if self.organization is not None else "",
            "day >= {first_day:Date}" if self.first_day else "",
            "day <= {last_day:Date}" if self.last_day else "",
            *(f"{name} = {{{name}:String}}" for name, _ in self.equals),
        ]
        text = " AND ".join(filter(None, conditions))
        return f"WHERE {text}" if text else ""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders in `where`."""
        values: dict[str, object] = dict(self.equals)
        if self.organization is not None:
            values["organization"] = self.organization
        if self.first_day:
            values["first_day"] = self.first_day.isoformat()
        if self.last_day:
            values["last_day"] = self.last_day.isoformat()
        return values
