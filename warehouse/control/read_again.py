"""Whether workers know again, after a restore, what the log said before it: log ends in, a refusal or nothing out.

A revision that was stored after the backup is in the log and not in the warehouse until its record is applied again.
Its number must not be given out meanwhile: the record could never be applied then.
"""

from collections.abc import Mapping

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import READ_OWN_WRITES, WRITE_SETTINGS, classified, permitted
from warehouse.errors import NotReadAgain
from warehouse.log_partitions import PARTITIONS_PER_GENERATION

_LEFT = """
    SELECT src_partition, log_end - 1 - ifNull(applied, -1) AS events, restored
    FROM (SELECT * FROM restored_logs FINAL) AS known
    LEFT JOIN (
        SELECT src_partition, maxOrNull(applied_offset) AS applied FROM partition_progress GROUP BY src_partition
    ) AS progress USING (src_partition)
    WHERE intDiv(src_partition, {generation_size:UInt32}) = {generation:UInt32} AND events > 0
    ORDER BY src_partition
"""


def note_log_ends(client: Client, ends: Mapping[int, int]) -> None:
    """Notes what the log holds at a restore. ends: by log partition, the first offset that it does not have.

    Raises WarehouseUnavailable and WarehouseRefused.
    """
    rows = [[number, end] for number, end in sorted(ends.items())]
    try:
        client.insert("restored_logs", rows, column_names=["src_partition", "log_end"], settings=WRITE_SETTINGS)
    except (Error, OSError) as failure:
        raise classified(failure) from failure


def require_read_again(client: Client, generation: int) -> None:
    """Raises NotReadAgain while a partition of the topic generation has not come to where its log ended at the restore;
    WarehouseUnavailable."""
    asked = {"generation": generation, "generation_size": PARTITIONS_PER_GENERATION}
    try:
        left = client.query(_LEFT, parameters=asked, settings=permitted(client, READ_OWN_WRITES)).result_rows
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    if left:
        places = ", ".join(f"{number} ({events:,} records)" for number, events, _ in left[:5])
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        raise NotReadAgain(
            f"a backup was restored at {left[0][2]:%Y-%m-%d %H:%M} UTC, and workers have not read again what the log "
            f"holds of partition {places}{more}: prices or calendars may have changed there. Ask again when they have; "
            "./tally status shows how far they are"
        )
