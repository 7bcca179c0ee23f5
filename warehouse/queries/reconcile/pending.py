"""Days whose derived rows still have to be computed: bounds in, places out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from warehouse.queries.query import Rows
from warehouse.queries.reconcile.difference import Place


@dataclass(frozen=True, slots=True)
class PendingPlaces:
    """Days from first to last that are pending, or lie in a pending week that begins before `weeks_before`."""

    first: date
    last: date
    weeks_before: date

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT src_partition, organization, date FROM pending_days
WHERE date >= {first:Date} AND date <= {last:Date}
UNION DISTINCT
SELECT src_partition, organization, arrayJoin(arrayMap(number -> date + number, range(7))) FROM pending_weeks
WHERE date + 6 >= {first:Date} AND date <= {last:Date} AND date < {weeks_before:Date}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The bounds."""
        return {name: getattr(self, name).isoformat() for name in ("first", "last", "weeks_before")}

    def read(self, rows: Rows) -> set[Place]:
        """One day of one organisation and partition per row."""
        return {Place(int(partition), organization, day) for partition, organization, day in rows}
