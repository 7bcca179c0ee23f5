"""Hourly, daily and weekly rows against quarter-hourly ones, for periods that are not pending."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.families import Family
from warehouse.queries.query import Rows
from warehouse.queries.reconcile.difference import Comparison
from warehouse.queries.reconcile.part import SHOWN_DIFFERENCES, Part
from warehouse.queries.reconcile.quarters import family_comparison

PERIODS = {"hour": "hour, day, week", "day": "day, week", "week": "week"}
"""What tells the periods of a grain apart."""


def settled(grain: str) -> str:
    """The condition that a row's period is not pending."""
    column, view = ("week", "pending_weeks") if grain == "week" else ("day", "pending_days")
    return f"(src_partition, organization, {column}) NOT IN (SELECT src_partition, organization, date FROM {view})"


@dataclass(frozen=True, slots=True)
class DerivedAgainstQuarters:
    """One family and one grain (hour, day or week)."""

    family: Family
    grain: str
    part: Part

    @property
    def name(self) -> str:
        """The check in a word."""
        return f"{self.family.table} {self.grain} = quarter"

    @property
    def sql(self) -> str:
        """The statement: one GROUP BY over both sides."""
        dimensions, period = ", ".join(self.family.dimensions), PERIODS[self.grain]
        number = len(self.family.measures)
        texts = ", ".join(f"toString({name})" for name in self.family.dimensions)
        return f"""SELECT
    count() AS compared,
    countIf(expected != stored) AS differing,
    groupArrayIf({SHOWN_DIFFERENCES})
        ((organization, src_partition, toString({self.grain}), [{texts}], expected, stored), expected != stored)
FROM
(
    SELECT
        organization, src_partition, {period}, {dimensions},
        arrayResize(sumForEachIf(measured, is_quarter), {number}, 0) AS expected,
        arrayResize(sumForEachIf(measured, NOT is_quarter), {number}, 0) AS stored
    FROM
    (
        SELECT
            organization, src_partition, {period}, {dimensions},
            grain = 'quarter' AS is_quarter, [{", ".join(self.family.measures)}] AS measured
        FROM {self.family.table} FINAL
        WHERE grain IN ('quarter', '{self.grain}') AND {self.part.where("bucket", self.family.dimensions)}
            AND {settled(self.grain)}
    )
    GROUP BY organization, src_partition, {period}, {dimensions}
)"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the part."""
        return self.part.parameters

    def read(self, rows: Rows) -> Comparison:
        """The one row."""
        return family_comparison(self.name, self.family, rows)
