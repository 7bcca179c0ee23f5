"""Events that share organisation and id but not the time: beyond the window they count as two, which is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warehouse.queries.query import Rows

SHOWN = 5
IDS_PER_PIECE = 4_000_000


@dataclass(frozen=True, slots=True)
class KnownIds:
    """How many events have an id, of one organisation or of all."""

    organization: str | None = None

    @property
    def sql(self) -> str:
        """The statement."""
        return f"SELECT count() FROM event_id_lookup{_only(self.organization, 'WHERE')}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The organisation, when one is asked for."""
        return {} if self.organization is None else {"organization": self.organization}

    def read(self, rows: Rows) -> int:
        """The one number."""
        return int(rows[0][0])


@dataclass(frozen=True, slots=True)
class SameIdOtherTime:
    """One of `pieces` shares of the ids: the memory of the question is that of a share."""

    organization: str | None = None
    piece: int = 0
    pieces: int = 1

    @property
    def sql(self) -> str:
        """The statement."""
        share = " AND cityHash64(event_id) % {pieces:UInt64} = {piece:UInt64}" if self.pieces > 1 else ""
        return (
            f"SELECT count(), groupArray({SHOWN})((toString(organization), toString(event_id))) FROM "
            f"(SELECT organization, event_id FROM event_id_lookup WHERE 1{share}{_only(self.organization, 'AND')} "
            "GROUP BY organization, event_id HAVING min(time) != max(time))"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The share and the organisation."""
        values: dict[str, object] = {} if self.organization is None else {"organization": self.organization}
        return values | ({"pieces": self.pieces, "piece": self.piece} if self.pieces > 1 else {})

    def read(self, rows: Rows) -> tuple[int, list[tuple[str, str]]]:
        """How many ids, and the first of them as (organisation, event id)."""
        found: list[Any] = rows[0][1]
        return int(rows[0][0]), [(organization, event_id) for organization, event_id in found]


def _only(organization: str | None, word: str) -> str:
    return "" if organization is None else f" {word} organization = {{organization:String}}"
