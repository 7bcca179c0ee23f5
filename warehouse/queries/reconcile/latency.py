"""Histograms of response times against those rebuilt from raw events, for periods that are not pending."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.latency_bins import METRICS, bin_sql
from warehouse.queries.query import Rows
from warehouse.queries.reconcile.derived import PERIODS, settled
from warehouse.queries.reconcile.difference import Comparison, difference
from warehouse.queries.reconcile.part import NOTHING_APPLIED, SHOWN_DIFFERENCES, Cut, Part

DIMENSIONS = ("provider", "model")


@dataclass(frozen=True, slots=True)
class LatencyAgainstRaw:
    """One grain (hour, day or week), bin by bin."""

    grain: str
    part: Part
    cut: Cut = NOTHING_APPLIED

    @property
    def name(self) -> str:
        """The check in a word."""
        return f"rollup_latency {self.grain} = raw"

    @property
    def sql(self) -> str:
        """The statement: one GROUP BY over both sides."""
        key = f"organization, src_partition, {PERIODS[self.grain]}, provider, model, metric, bin"
        return f"""SELECT
    count() AS compared,
    countIf(expected != stored) AS differing,
    groupArrayIf({SHOWN_DIFFERENCES})
        ((organization, src_partition, toString({self.grain}), provider, model, metric, bin, expected, stored),
        expected != stored)
FROM
(
    SELECT {key}, sum(in_raw) AS expected, sum(in_row) AS stored
    FROM ({self._raw} UNION ALL {self._rows})
    GROUP BY {key}
)"""

    @property
    def _raw(self) -> str:
        period = PERIODS[self.grain]
        metrics = ", ".join(f"('{name}', toNullable(toInt64({value})))" for name, value in METRICS.items())
        bin_number = bin_sql("assumeNotNull(measured.2)")
        return (
            f"SELECT organization, src_partition, {period}, provider, model, measured.1 AS metric, "
            f"{bin_number} AS bin, toInt64(1) AS in_raw, toInt64(0) AS in_row FROM "
            f"(SELECT organization, src_partition, {period}, provider, model, arrayJoin([{metrics}]) AS measured "
            f"FROM usage_raw FINAL WHERE {self.part.where('time', DIMENSIONS)} "
            f"AND {settled(self.grain)} AND src_offset <= {Cut.sql}) WHERE isNotNull(measured.2)"
        )

    @property
    def _rows(self) -> str:
        return (
            f"SELECT organization, src_partition, {PERIODS[self.grain]}, provider, model, toString(metric), "
            "pair.1, toInt64(0), pair.2 FROM "
            f"(SELECT organization, src_partition, {PERIODS[self.grain]}, provider, model, metric, "
            f"arrayJoin(arrayZip(bins, counts)) AS pair FROM rollup_latency FINAL WHERE grain = '{self.grain}' "
            f"AND {self.part.where('bucket', DIMENSIONS)} AND {settled(self.grain)})"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the part and of the cut."""
        return {**self.part.parameters, **self.cut.parameters}

    def read(self, rows: Rows) -> Comparison:
        """The one row."""
        compared, differing, shown = rows[0]
        differences = tuple(
            difference(
                self.name,
                (organization, partition, period),
                (("provider", provider), ("model", model), ("metric", metric), ("bin", str(bin_number))),
                ("requests",),
                ((expected,), (stored,)),
            )
            for organization, partition, period, provider, model, metric, bin_number, expected, stored in shown
        )
        return Comparison(int(compared), int(differing), differences)
