"""Quarter-hourly rows against raw events, each row at its own cut: raw up to the row's offset must equal it."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.families import Family
from warehouse.queries.query import Rows
from warehouse.queries.reconcile.difference import Comparison, difference
from warehouse.queries.reconcile.part import NOTHING_APPLIED, SHOWN_DIFFERENCES, Cut, Part
from warehouse.raw_measures import raw_values


@dataclass(frozen=True, slots=True)
class QuartersAgainstRaw:
    """One family. What was applied must be in rows; what a row holds beyond must be in raw.

    Raw events behind the cut and above their row's offset are still on their way.
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
        ((organization, src_partition, toString(bucket), [{_texts(self.family)}], expected, stored), expected != stored)
FROM
(
    SELECT
        organization, src_partition, bucket, hour, day, week, {dimensions},
        max(if(is_row, position, -1)) AS row_offset,
        arrayResize(sumForEachIf(measured, is_row), {number}, 0) AS stored,
        sumForEachIf(measured, NOT is_row AND position <= applied) AS settled,
        groupArrayIf((position, measured), NOT is_row AND position > applied) AS behind,
        arrayReduce(
            'sumForEach',
            arrayPushBack(
                arrayMap(event -> event.2, arrayFilter(event -> event.1 <= row_offset, behind)),
                arrayResize(settled, {number}, 0)
            )
        ) AS expected
    FROM ({self._raw} UNION ALL {self._rows})
    GROUP BY organization, src_partition, bucket, hour, day, week, {dimensions}
)"""

    @property
    def _raw(self) -> str:
        values = ", ".join(raw_values(self.family))
        only = f" AND {self.family.only} != ''" if self.family.only else ""
        return (
            f"SELECT organization, src_partition, toStartOfFifteenMinutes(time) AS bucket, hour, day, week, "
            f"{', '.join(self.family.dimensions)}, false AS is_row, src_offset AS position, {Cut.sql} AS applied, "
            f"[{values}] AS measured FROM usage_raw FINAL WHERE {self.part.where('time', self.family.dimensions)}{only}"
        )

    @property
    def _rows(self) -> str:
        return (
            f"SELECT organization, src_partition, bucket, hour, day, week, {', '.join(self.family.dimensions)}, "
            f"true, offset, toInt64(0), [{', '.join(self.family.measures)}] "
            f"FROM {self.family.table} FINAL "
            f"WHERE grain = 'quarter' AND {self.part.where('bucket', self.family.dimensions)}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the part and of the cut."""
        return {**self.part.parameters, **self.cut.parameters}

    def read(self, rows: Rows) -> Comparison:
        """The one row."""
        return family_comparison(self.name, self.family, rows)


def _texts(family: Family) -> str:
    return ", ".join(f"toString({name})" for name in family.dimensions)


def family_comparison(check: str, family: Family, rows: Rows) -> Comparison:
    """The answer (compared, differing, tuples of organisation, partition, period, dimensions, expected, stored)."""
    compared, differing, shown = rows[0]
    differences = tuple(
        difference(
            check,
            (organization, partition, period),
            zip(family.dimensions, dimensions, strict=True),
            family.measures,
            (expected, stored),
        )
        for organization, partition, period, dimensions, expected, stored in shown
    )
    return Comparison(int(compared), int(differing), differences)
