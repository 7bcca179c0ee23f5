"""What the collector acknowledged against raw events: each must be there, as itself or as an earlier copy.

Void events are there as rows that count nothing. Erased ones are known by the hashes of their ids (rule E16).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error
from clickhouse_connect.driver.external import ExternalData

from tokentally.identity import event_uuid
from warehouse.client import classified
from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.reconcile.difference import Comparison, difference
from warehouse.queries.reconcile.part import Cut

CHECK = "raw = acknowledged"
BATCH = 50_000
STRUCTURE = "organization String, event_id UUID, partition UInt16, offset Int64"
SQL = """SELECT sent.organization, toString(sent.event_id), sent.partition, sent.offset
FROM acknowledged AS sent
LEFT JOIN
(
    SELECT organization, event_id, src_partition % 1024 AS partition, min(src_offset) AS first_offset, count() AS copies
    FROM usage_raw
    WHERE event_id IN (SELECT event_id FROM acknowledged)
    GROUP BY organization, event_id, partition
) AS kept USING (organization, event_id, partition)
WHERE copies = 0 OR first_offset > sent.offset
ORDER BY partition, offset"""

ERASED = """SELECT id_hash, src_partition % 1024 AS partition, min(src_offset)
FROM tombstones WHERE organization = {organization:String} AND id_hash IN {hashes:Array(UUID)}
GROUP BY id_hash, partition"""
Missing = tuple[str, str, int, int]
"""Organisation, id, Kafka partition and offset of an acknowledgement."""
Hashed = Callable[[str, bytes], bytes]
"""What stands for an organisation's event id (16 bytes) in tombstones."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """One event that the collector said was in the log, and where. event_id is what tables hold."""

    organization: str
    event_id: UUID
    partition: int
    offset: int


def against_raw(
    client: Client, sent: Iterable[Acknowledgement], cut: Cut, hashed: Hashed | None = None
) -> tuple[Comparison, int]:
    """Those that are not in raw, and the number of those that the workers have not applied yet (not compared).

    hashed: asked for organisations that have erased events; without it their events count as missing.
    """
    applied: dict[int, int] = {}
    for number, offset in cut.applied.items():
        partition = number % PARTITIONS_PER_GENERATION
        applied[partition] = max(offset, applied.get(partition, -1))
    compared = waiting = differing = 0
    found = []
    for batch in batches(sent):
        known = [one for one in batch if one.offset <= applied.get(one.partition, -1)]
        waiting += len(batch) - len(known)
        compared += len(known)
        missing = _missing(client, known)
        gone = _erased(client, missing, hashed) if hashed is not None and missing else set()
        for organization, event_id, partition, offset in missing:
            if (organization, event_id, partition, offset) in gone:
                continue
            differing += 1
            key, dimensions = (organization, partition, f"offset {offset}"), (("event_id", event_id),)
            if differing <= BATCH:
                found.append(difference(CHECK, key, dimensions, ("events",), ((1,), (0,))))
    return Comparison(compared, differing, tuple(found)), waiting


def batches(sent: Iterable[Acknowledgement]) -> Iterator[list[Acknowledgement]]:
    """At most BATCH at once."""
    batch: list[Acknowledgement] = []
    for one in sent:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _missing(client: Client, sent: list[Acknowledgement]) -> list[Missing]:
    if not sent:
        return []
    rows = "\n".join(json.dumps([one.organization, str(one.event_id), one.partition, one.offset]) for one in sent)
    external = ExternalData(
        file_name="acknowledged", data=rows.encode(), fmt="JSONCompactEachRow", structure=STRUCTURE.split(", ")
    )
    answer = _rows(client, SQL, external_data=external)
    return [(organization, event_id, partition, offset) for organization, event_id, partition, offset in answer]


def _erased(client: Client, missing: Sequence[Missing], hashed: Hashed) -> set[Missing]:
    """Those of them whose tombstones stand at their place or before it in the same partition."""
    tombstoned = {str(row[0]) for row in _rows(client, "SELECT DISTINCT toString(organization) FROM tombstones")}
    found: set[Missing] = set()
    for organization in sorted({each[0] for each in missing} & tombstoned):
        mine: dict[UUID, list[Missing]] = {}
        for each in missing:
            if each[0] == organization:
                mine.setdefault(UUID(bytes=hashed(organization, UUID(each[1]).bytes)), []).append(each)
        asked = {"organization": organization, "hashes": [str(each) for each in mine]}
        for id_hash, partition, first_offset in _rows(client, ERASED, asked):
            found |= {each for each in mine[UUID(str(id_hash))] if each[2] == partition and first_offset <= each[3]}
    return found


def _rows(
    client: Client, sql: str, parameters: Mapping[str, object] | None = None, external_data: ExternalData | None = None
) -> Sequence[Sequence[Any]]:
    try:
        return client.query(sql, parameters=dict(parameters or {}), external_data=external_data).result_rows
    except (Error, OSError) as failure:
        raise classified(failure) from failure


def parsed(line: str) -> Acknowledgement:
    """One line {"organization", "event_id", "partition", "offset"}. Raises ValueError."""
    try:
        values = json.loads(line)
        organization, event_id = str(values["organization"]), str(values["event_id"])
        return Acknowledgement(
            organization, event_uuid(organization, event_id), int(values["partition"]), int(values["offset"])
        )
    except (TypeError, KeyError) as failure:
        raise ValueError(f"organization, event_id, partition and offset are needed, not {line[:200]!r}") from failure
