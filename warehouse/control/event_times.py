"""When events happened, of which only the id is known: ids in, times out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from warehouse.queries.query import Rows, utc

TIMES_MAX = 3


@dataclass(frozen=True, slots=True)
class EventTimes:
    """At most TIMES_MAX times per event of an organisation, oldest first; unknown ids are left out.

    An id alone is no identity, so all of the organisation's ids are read.
    """

    organization: str
    event_ids: Sequence[str]

    @property
    def sql(self) -> str:
        """The statement; any version of an event knows its time."""
        return f"""SELECT toString(event_id), arraySort(groupUniqArray({TIMES_MAX})(time)) FROM usage_raw
WHERE organization = {{organization:String}} AND event_id IN {{ids:Array(UUID)}} GROUP BY event_id"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The ids."""
        return {"organization": self.organization, "ids": list(self.event_ids)}

    def read(self, rows: Rows) -> dict[str, tuple[datetime, ...]]:
        """Times by id."""
        return {row[0]: tuple(utc(time) for time in row[1]) for row in rows}
