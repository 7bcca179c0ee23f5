"""Histograms of response times: hours against raw events, days and weeks against the next finer ones."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.latency_bins import METRICS, bin_sql
from warehouse.queries.query import Rows
from warehouse.queries.reconcile.derived import PERIODS, first_date, settled
from warehouse.queries.reconcile.difference import Comparison, difference, places
from warehouse.queries.reconcile.open_slices import NOT_OPEN
from warehouse.queries.reconcile.part import FINER, KEPT_PLACES, NOTHING_APPLIED, SHOWN_DIFFERENCES, Cut, Part

DIMENSIONS = ("provider", "model")


@dataclass(frozen=True, slots=True)
class LatencyAgainstSource:
    """One grain (hour, day or week), bin by bin, for periods that are not pending."""

    grain: str
    part: Part
    cut: Cut = NOTHING_APPLIED

    @property
    def name(self) -> str:
        """The check in a word."""
        return f"rollup_latency {self.grain} = {'raw' if self.grain == 'hour' else FINER[self.grain][0]}"

    @property
    def sql(self) -> str:
        """The statement: one GROUP BY over both sides."""
        key = f"organization, src_partition, {PERIODS[self.grain]}, provider, model, metric, bin"
        source = self._raw if self.grain == "hour" else self._rows(FINER[self.grain][0], "pair.2", "toInt64(0)")
        return f"""SELECT
    count() AS compared,
    countIf(expected != stored) AS differing,
    groupArrayIf({SHOWN_DIFFERENCES})
        ((organization, src_partition, toString({self.grain}), provider, model, metric, bin, expected, stored),
        expected != stored),
    groupUniqArrayIf({KEPT_PLACES})((src_partition, organization, {first_date(self.grain)[0]}), expected != stored)
FROM
(
    SELECT {key}, sum(in_source) AS expected, sum(in_row) AS stored
    FROM ({self._rows(self.grain, "toInt64(0)", "pair.2")} UNION ALL {source})
    GROUP BY {key}
)"""

    @property
    def _raw(self) -> str:
        period = PERIODS[self.grain]
        metrics = ", ".join(f"('{name}', toNullable(toInt64({value})))" for name, value in METRICS.items())
        bin_number = bin_sql("assumeNotNull(measured.2)")
        return (
            f"SELECT organization, src_partition, {period}, provider, model, measured.1, "
            f"{bin_number}, toInt64(1), toInt64(0) FROM "
            f"(SELECT organization, src_partition, {period}, provider, model, arrayJoin([{metrics}]) AS measured "
            f"FROM usage_raw FINAL WHERE {self.part.where('time', DIMENSIONS)} "
            f"AND {self._settled} AND src_offset <= {Cut.sql}) WHERE isNotNull(measured.2)"
        )

    def _rows(self, grain: str, in_source: str, in_row: str) -> str:
        period = PERIODS[self.grain]
        return (
            f"SELECT organization, src_partition, {period}, provider, model, toString(metric) AS metric, "
            f"pair.1 AS bin, {in_source} AS in_source, {in_row} AS in_row FROM "
            f"(SELECT organization, src_partition, {period}, provider, model, metric, "
            f"arrayJoin(arrayZip(bins, counts)) AS pair FROM rollup_latency FINAL WHERE grain = '{grain}' "
            f"AND {self.part.where('bucket', DIMENSIONS)} AND {self._settled})"
        )

    @property
    def _settled(self) -> str:
        """Hours are compared with raw events, which a job rewrites first."""
        return settled(self.grain) + (f" AND {NOT_OPEN}" if self.grain == "hour" else "")

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the part and of the cut, which only raw events need."""
        return {**self.part.parameters, **(self.cut.parameters if self.grain == "hour" else {})}

    def read(self, rows: Rows) -> Comparison:
        """The one row."""
        compared, differing, shown, dates = rows[0]
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
        return Comparison(int(compared), int(differing), differences, places(dates, first_date(self.grain)[1]))
