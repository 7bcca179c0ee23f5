"""Each derived grain against the next finer one: hours, days and weeks that are not pending."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.families import Family
from warehouse.queries.query import Rows
from warehouse.queries.reconcile.difference import Comparison
from warehouse.queries.reconcile.part import FINER, KEPT_PLACES, SHOWN_DIFFERENCES, Part
from warehouse.queries.reconcile.quarters import family_comparison

PERIODS = {"hour": "hour, day, week", "day": "day, week", "week": "week"}
"""What tells the periods of a grain apart."""
DAYS_PER_WEEK = 7
ROWS = "rows"
"""Compared like a measure: one row per key that has requests, whose bucket starts where it says."""


def settled(grain: str) -> str:
    """The condition that a row's period is not pending, and that no repair is between finer and derived rows."""
    column, view = ("week", "pending_weeks") if grain == "week" else ("day", "pending_days")
    # Whatever day a week begins with, the day that is being repaired is one of its seven.
    repaired = f"arrayJoin(arrayMap(number -> day - number, range({DAYS_PER_WEEK})))" if grain == "week" else "day"
    return (
        f"(src_partition, organization, {column}) NOT IN (SELECT src_partition, organization, date FROM {view}) "
        f"AND (src_partition, organization, {column}) NOT IN "
        f"(SELECT src_partition, organization, {repaired} FROM repairs FINAL WHERE state = 'running')"
    )


def first_date(grain: str) -> tuple[str, int]:
    """The column with the first local date of a period, and how many days repair its row."""
    return ("week", DAYS_PER_WEEK) if grain == "week" else ("day", 1)


@dataclass(frozen=True, slots=True)
class DerivedAgainstFiner:
    """One family and one grain (hour, day or week)."""

    family: Family
    grain: str
    part: Part

    @property
    def name(self) -> str:
        """The check in a word."""
        return f"{self.family.table} {self.grain} = {FINER[self.grain][0]}"

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
        ((organization, src_partition, toString({self.grain}), [{texts}], expected, stored), expected != stored),
    groupUniqArrayIf({KEPT_PLACES})((src_partition, organization, {first_date(self.grain)[0]}), expected != stored)
FROM
(
    SELECT
        organization, src_partition, {period}, {dimensions},
        toInt64(countIf(NOT is_finer AND measured[1] != 0)) AS rows,
        toInt64(countIf(NOT is_finer AND measured[1] != 0 AND bucket != hour)) AS misplaced,
        arrayPushBack(arrayResize(sumForEachIf(measured, is_finer), {number}, 0), rows > 0) AS expected,
        arrayPushBack(arrayResize(sumForEachIf(measured, NOT is_finer), {number}, 0), rows + misplaced) AS stored
    FROM
    (
        SELECT
            organization, src_partition, bucket, hour, day, week, {dimensions},
            grain != '{self.grain}' AS is_finer, [{", ".join(self.family.measures)}] AS measured
        FROM {self.family.table} FINAL
        WHERE grain IN ('{FINER[self.grain][0]}', '{self.grain}') AND {settled(self.grain)}
            AND {self.part.where("bucket", self.family.dimensions)}
    )
    GROUP BY organization, src_partition, {period}, {dimensions}
)"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the part."""
        return self.part.parameters

    def read(self, rows: Rows) -> Comparison:
        """The one row."""
        measures = (*self.family.measures, ROWS)
        return family_comparison(self.name, self.family, measures, rows, first_date(self.grain)[1])
