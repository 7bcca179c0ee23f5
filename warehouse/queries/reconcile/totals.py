"""The running totals of each log partition against the raw events at or below its applied offset."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.queries.query import Rows
from warehouse.queries.reconcile.difference import Comparison, difference

MEASURES = ("accepted", "seen")


@dataclass(frozen=True, slots=True)
class TotalsAgainstRaw:
    """accepted = raw events of the partition; seen = accepted + duplicates + rejected + misrouted."""

    @property
    def name(self) -> str:
        """The check in a word."""
        return "partition_progress = raw"

    @property
    def sql(self) -> str:
        """The statement; raw is counted at the offset that the progress row itself names."""
        return """SELECT
    topic, src_partition, applied_offset, accepted, seen, accepted + duplicates + rejected + misrouted, in_raw
FROM partition_progress AS progress FINAL
LEFT JOIN
(
    SELECT src_partition, count() AS in_raw
    FROM (SELECT src_partition, src_offset, event_id FROM usage_raw FINAL) AS raw
    INNER JOIN (SELECT src_partition, applied_offset FROM partition_progress FINAL) AS cut USING (src_partition)
    WHERE src_offset <= applied_offset
    GROUP BY src_partition
) AS counted USING (src_partition)
ORDER BY topic, src_partition"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> Comparison:
        """One partition per row."""
        differences = tuple(
            difference(
                self.name, (topic, partition, f"offset {applied}"), (), MEASURES, ((in_raw, parts), (accepted, seen))
            )
            for topic, partition, applied, accepted, seen, parts, in_raw in rows
            if (in_raw, parts) != (accepted, seen)
        )
        return Comparison(len(rows), len(differences), differences)
