"""The outbox of control records: stored before they are published, published until every partition has them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from producers.control.record import ControlRecord
from warehouse.client import READ_OWN_WRITES, WRITE_SETTINGS, classified, permitted
from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.query import utc

_KNOWN = "SELECT count() FROM control_records WHERE control_id = {control_id:UUID}"
_LINE = """
    if(kind != 'config', toString(control_id), concat(JSONExtractString(body, 'subject'),
        if(JSONExtractString(body, 'subject') = 'calendar', concat(' ', organization), '')))
"""
"""What its revision belongs to: each revision of it includes the lower ones, whenever they were asked for."""
_UNPUBLISHED = f"""
    WITH
        missing AS (
            SELECT control_id, arraySort(arrayFilter(number -> NOT has(published, number), partitions)) AS places
            FROM (SELECT control_id, partitions FROM control_records FINAL) AS record
            LEFT JOIN (
                SELECT control_id, groupArray(src_partition) AS published FROM control_publications GROUP BY control_id
            ) AS publication USING control_id
            WHERE notEmpty(places)
        ),
        found AS (
            SELECT *, JSONExtractUInt(body, 'revision') AS revision, min(created) OVER (
                PARTITION BY {_LINE} ORDER BY revision DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS due
            FROM control_records FINAL WHERE body != '' AND control_id IN (SELECT control_id FROM missing)
        )
    SELECT toString(control_id), kind, organization, body, author, note, created, places,
        arrayFilter(number -> intDiv(number, {{generation_size:UInt32}}) = {{generation:UInt32}}, places) AS present
    FROM found INNER JOIN missing USING control_id
    WHERE due < {{before:DateTime64(3, 'UTC')}} ORDER BY empty(present), due, revision, control_id
    LIMIT {{limit:UInt32}}
"""


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A stored record, and the log partitions that do not have it yet: of the present topic generation, and of others.

    The topic of another generation is gone: what was meant for it means nothing in the present one.
    """

    record: ControlRecord
    partitions: tuple[int, ...]
    gone: tuple[int, ...] = ()


def store(client: Client, record: ControlRecord, partitions: Sequence[int]) -> bool:
    """Stores a record that is to be published to these log partitions; False when it was stored before.

    Raises WarehouseUnavailable and WarehouseRefused.
    """
    if _answered(client, _KNOWN, {"control_id": record.control_id})[0][0]:
        return False
    row = record_row(record, partitions)
    _insert(client, "control_records", list(row.values()), list(row))
    return True


def record_row(record: ControlRecord, partitions: Sequence[int]) -> dict[str, Any]:
    """The row of a record that belongs in these log partitions."""
    return {
        "control_id": record.control_id,
        "kind": record.kind,
        "organization": record.organization,
        "body": json.dumps(record.content, ensure_ascii=False, sort_keys=True),
        "author": record.author,
        "note": record.note,
        "created": record.created,
        "partitions": list(partitions),
    }


def unpublished(client: Client, before: datetime, generation: int, limit: int = 1000) -> list[Unpublished]:
    """Records that were asked for before this instant and that some partition does not have, oldest first.

    Those that can be published in the present topic generation come before those that cannot. Revisions come by their
    numbers: one counts as asked for when the first of those was that include it.
    """
    asked = {"before": before, "generation": generation, "generation_size": PARTITIONS_PER_GENERATION, "limit": limit}
    rows = _answered(client, _UNPUBLISHED, asked)
    return [
        Unpublished(
            ControlRecord(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5], utc(row[6])),
            tuple(row[8]),
            tuple(number for number in row[7] if number not in row[8]),
        )
        for row in rows
    ]


def note_published(client: Client, control_id: str, src_partition: int, src_offset: int) -> None:
    """Notes where Kafka acknowledged a record."""
    _insert(
        client,
        "control_publications",
        [control_id, src_partition, src_offset],
        ("control_id", "src_partition", "src_offset"),
    )


def _insert(client: Client, table: str, row: list[Any], columns: Sequence[str]) -> None:
    try:
        client.insert(table, [row], column_names=list(columns), settings=permitted(client, WRITE_SETTINGS))
    except (Error, OSError) as failure:
        raise classified(failure) from failure


def _answered(client: Client, sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
    try:
        return client.query(sql, parameters=parameters, settings=permitted(client, READ_OWN_WRITES)).result_rows
    except (Error, OSError) as failure:
        raise classified(failure) from failure
