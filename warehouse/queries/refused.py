"""Refusals with all their bytes, for putting them through again; and what was put through already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse.queries.query import Rows, utc


@dataclass(frozen=True, slots=True)
class Refused:
    """One refusal. api_key_id: the key that the collector had authenticated, "" when a worker refused."""

    rejection_id: str
    time: datetime
    source: str
    organization: str
    event_id: str
    api_key_id: str
    reason: str
    partition: int | None
    offset: int | None
    index: int | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class RefusedByIds:
    """These refusals, the oldest first; unknown ids are left out. Bytes of poison come whole from the quarantine."""

    ids: Sequence[str]

    @property
    def sql(self) -> str:
        """The statement; bytes travel as hexadecimal digits."""
        return """SELECT
    rejection_id, time, source, organization, event_id, api_key_id, reason, src_partition, src_offset, src_index,
    hex(if(length(apart.whole) > length(raw), apart.whole, raw))
FROM rejected FINAL LEFT ANY JOIN (
    SELECT concat(toString(src_partition), '-', toString(src_offset), '-all') AS rejection_id, raw AS whole
    FROM quarantine FINAL WHERE src_index = -1
) AS apart USING rejection_id
WHERE rejection_id IN {ids:Array(String)} ORDER BY time, rejection_id"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The ids."""
        return {"ids": list(self.ids)}

    def read(self, rows: Rows) -> list[Refused]:
        """One refusal per row."""
        return [Refused(*_typed(row)) for row in rows]


def _typed(row: Sequence[Any]) -> list[Any]:
    return [row[0], utc(row[1]), *row[2:10], bytes.fromhex(row[10])]


@dataclass(frozen=True, slots=True)
class Replay:
    """One event of a refusal that was sent again."""

    rejection_id: str
    line: int
    replayed: datetime
    by: str
    edited: bool
    organization: str
    event_id: str
    outcome: str
    reason: str
    partition: int | None
    offset: int | None
    position: int | None


@dataclass(frozen=True, slots=True)
class ReplaysOf:
    """Everything that was sent again for these refusals, the oldest first."""

    ids: Sequence[str]

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT
    rejection_id, line, replayed, by, edited, organization, event_id, outcome, reason, partition, offset, position
FROM replays FINAL WHERE rejection_id IN {ids:Array(String)} ORDER BY rejection_id, line, replayed"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The ids."""
        return {"ids": list(self.ids)}

    def read(self, rows: Rows) -> list[Replay]:
        """One replay per row."""
        return [Replay(row[0], row[1], utc(row[2]), row[3], bool(row[4]), *row[5:]) for row in rows]
