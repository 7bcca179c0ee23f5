"""Which named events have come, whatever became of them: also void and erased ones, which no raw row tells of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from clickhouse_connect.driver.client import Client

from producers.control.selection import EventKey
from stream_jobs.deduplication.tombstones import Tombstones
from warehouse.control.selected import among
from warehouse.literals import quoted
from warehouse.queries.query import Rows, ask


@dataclass(frozen=True, slots=True)
class _Identities:
    """(time in Unix ms, id) of rows, which are a FROM clause and what follows."""

    rows: str

    @property
    def sql(self) -> str:
        """The statement."""
        return f"SELECT toUnixTimestamp64Milli(time), toString(event_id) FROM {self.rows}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """None: the condition has its values in it, quoted."""
        return {}

    def read(self, rows: Rows) -> set[tuple[int, UUID]]:
        """One event per row."""
        return {(int(time_ms), UUID(event_id)) for time_ms, event_id in rows}


@dataclass(frozen=True, slots=True)
class _KeyChecks:
    """An organisation that has erased events, with the check values of the keys of their hashes."""

    organization: str

    @property
    def sql(self) -> str:
        """The statement."""
        return f"SELECT DISTINCT key_check FROM tombstones WHERE organization = {quoted(self.organization)}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> list[tuple[str, str]]:
        """One key per row."""
        return [(self.organization, check) for (check,) in rows]


def arrived(client: Client, organization: str, events: Sequence[EventKey], tombstones: Tombstones) -> int:
    """How many of these events have come; at least one is named.

    Raises NoErasureKey when events of the organisation were erased and the key is another one or is missing;
    WarehouseUnavailable and WarehouseRefused.
    """
    found = ask(client, _Identities(f"event_id_lookup FINAL WHERE {among(organization, events)}"))
    tombstones.learn(ask(client, _KeyChecks(organization)))
    if organization not in tombstones.organizations:
        return len(found)
    hashed = tombstones.keys_of(organization, events)
    ids = {key.event_id: each.event_id for key, each in hashed.items()}
    erased = "(SELECT organization, time, id_hash AS event_id FROM tombstones FINAL)"
    gone = ask(client, _Identities(f"{erased} WHERE {among(organization, list(hashed))}"))
    return len(found | {(time_ms, ids[id_hash]) for time_ms, id_hash in gone})
