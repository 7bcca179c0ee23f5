"""The directory of organisations: a moment in, each organisation with the calendar it counts in then out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from warehouse.queries.query import Rows, milliseconds

NEWEST_NAME = "argMaxIf(display_name, (created, effective_from), display_name != '')"
"""The name that was given last, whatever calendar holds: a change of calendar alone says no name."""


@dataclass(frozen=True, slots=True)
class Organization:
    """One organisation; week_start is 1 for Monday to 7 for Sunday, registered False when an event created it."""

    name: str
    display_name: str
    time_zone: str
    week_start: int
    registered: bool


@dataclass(frozen=True, slots=True)
class Organizations:
    """Those known at `now`, by name: all, or the one that is named (an empty list when it is unknown)."""

    now: datetime
    organization: str | None = None
    limit: int = 1000
    skip: int = 0

    @property
    def sql(self) -> str:
        """The statement: of each organisation its newest name, and the calendar that is in force."""
        only = "WHERE organization = {organization:String}\n" if self.organization is not None else ""
        holds = "effective_from <= fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')"
        return f"""SELECT organization, {NEWEST_NAME}, argMaxIf(time_zone, effective_from, {holds}),
    argMaxIf(week_start, effective_from, {holds}), max(registered)
FROM organizations FINAL
{only}GROUP BY organization HAVING countIf({holds}) > 0
ORDER BY organization LIMIT {{limit:UInt64}} OFFSET {{skip:UInt64}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The moment, the page and the name."""
        values: dict[str, object] = {"now_ms": milliseconds(self.now), "limit": self.limit, "skip": self.skip}
        return values if self.organization is None else {**values, "organization": self.organization}

    def read(self, rows: Rows) -> list[Organization]:
        """One organisation per row."""
        return [Organization(*(*row[:4], bool(row[4]))) for row in rows]
