"""What the collector acknowledged against raw events: each must be there, as itself or as an earlier copy."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """One event that the collector said was in the log, and where. event_id is what tables hold."""

    organization: str
    event_id: UUID
    partition: int
    offset: int


def against_raw(client: Client, sent: Iterable[Acknowledgement], cut: Cut) -> tuple[Comparison, int]:
    """Those that are not in raw, and the number of those that the workers have not applied yet (not compared)."""
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
        for organization, event_id, partition, offset in _missing(client, known):
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


def _missing(client: Client, sent: list[Acknowledgement]) -> list[tuple[str, str, int, int]]:
    if not sent:
        return []
    rows = "\n".join(json.dumps([one.organization, str(one.event_id), one.partition, one.offset]) for one in sent)
    external = ExternalData(
        file_name="acknowledged", data=rows.encode(), fmt="JSONCompactEachRow", structure=STRUCTURE.split(", ")
    )
    try:
        answer = client.query(SQL, external_data=external).result_rows
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    return [(organization, event_id, partition, offset) for organization, event_id, partition, offset in answer]


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
