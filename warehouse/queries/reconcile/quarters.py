"""Quarter-hourly rows against raw events, each row at its own cut: raw up to the row's offset must equal it."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.families import Family
from warehouse.queries.query import Rows
from warehouse.queries.reconcile.difference import Comparison, difference, places
from warehouse.queries.reconcile.open_slices import NOT_OPEN
from warehouse.queries.reconcile.part import KEPT_PLACES, NOTHING_APPLIED, SHOWN_DIFFERENCES, Cut, Part
from warehouse.raw_measures import raw_values

OFFSET = "offset"
"""Compared like a measure: a row whose offset is below its newest event would count that event again at a replay."""


@dataclass(frozen=True, slots=True)
class QuartersAgainstRaw:
    """One family. What was applied must be in rows; what a row holds beyond must be in raw.

    Days that a job has still to do are left out. Raw events behind the cut and above their row's offset are still on
    their way. Rows are read before raw events: an event is stored before the row that holds it, so that a flush in
    between leaves no row ahead of its events.
    """

    family: Family
    part: Part
    cut: Cut = NOTHING_APPLIED

    @property
    def name(self) -> str:
        """The check in a word."""
        return f"{self.family.table} quarter = raw"

    @property
    def sql(self) -> str:
        """The statement: one GROUP BY over both sides; events behind the cut are kept apart until the row is known."""
        dimensions = ", ".join(self.family.dimensions)
        number = len(self.family.measures)
        return f"""SELECT
    count() AS compared,
    countIf(expected != stored) AS differing,
    groupArrayIf({SHOWN_DIFFERENCES})
        ((organization, src_partition, toString(bucket), [{_texts(self.family)}], expected, stored),
        expected != stored),
    groupUniqArrayIf({KEPT_PLACES})((src_partition, organization, day), expected != stored)
FROM
(
    SELECT
        organization, src_partition, bucket, hour, day, week, {dimensions},
        max(if(is_row, position, -1)) AS row_offset,
        groupArrayIf((position, measured), NOT is_row AND position > applied) AS behind,
        arrayFilter(event -> event.1 <= row_offset, behind) AS ahead,
        maxIf(position, NOT is_row AND position <= applied) AS newest,
        sumForEachIf(measured, NOT is_row AND position <= applied) AS settled,
        arrayPushBack(arrayResize(sumForEachIf(measured, is_row), {number}, 0), row_offset) AS stored,
        arrayPushBack(
            arrayReduce(
                'sumForEach',
                arrayPushBack(arrayMap(event -> event.2, ahead), arrayResize(settled, {number}, 0))
            ),
            greatest(row_offset, if(empty(settled), -1, newest))
        ) AS expected
    FROM ({self._rows} UNION ALL {self._raw})
    GROUP BY organization, src_partition, bucket, hour, day, week, {dimensions}
)"""

    @property
    def _rows(self) -> str:
        return (
            f"SELECT organization, src_partition, bucket, hour, day, week, {', '.join(self.family.dimensions)}, "
            f"true AS is_row, offset AS position, toInt64(0) AS applied, "
            f"[{', '.join(self.family.measures)}] AS measured FROM {self.family.table} FINAL "
            f"WHERE grain = 'quarter' AND {self.part.where('bucket', self.family.dimensions)} AND {NOT_OPEN}"
        )

    @property
    def _raw(self) -> str:
        values = ", ".join(raw_values(self.family))
        only = f" AND {self.family.only} != ''" if self.family.only else ""
        return (
            f"SELECT organization, src_partition, toStartOfFifteenMinutes(time), hour, day, week, "
            f"{', '.join(self.family.dimensions)}, false, src_offset, {Cut.sql}, [{values}] "
            f"FROM usage_raw FINAL WHERE {self.part.where('time', self.family.dimensions)}{only} AND {NOT_OPEN}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the part and of the cut."""
        return {**self.part.parameters, **self.cut.parameters}

    def read(self, rows: Rows) -> Comparison:
        """The one row."""
        return family_comparison(self.name, self.family, (*self.family.measures, OFFSET), rows)


def _texts(family: Family) -> str:
    return ", ".join(f"toString({name})" for name in family.dimensions)


def family_comparison(check: str, family: Family, measures: tuple[str, ...], rows: Rows, days: int = 1) -> Comparison:
    """The answer: compared, differing, the first differing rows, and the first dates of the periods they are in.

    A row is (organisation, partition, period, dimensions, expected, stored); a period has `days` days.
    """
    compared, differing, shown, dates = rows[0]
    differences = tuple(
        difference(
            check,
            (organization, partition, period),
            zip(family.dimensions, dimensions, strict=True),
            measures,
            (expected, stored),
        )
        for organization, partition, period, dimensions, expected, stored in shown
    )
    return Comparison(int(compared), int(differing), differences, places(dates, days))
