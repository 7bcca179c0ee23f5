"""Control records that the log has and the warehouse lacks, as after a restore: a record in, its missing rows out.

By them people see it, pause and cancel its job, and nobody asks for something else under its id. What is stored stays
as it is: an erasure may have emptied it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

import polars as pl

from producers.control.record import ControlRecord
from stream_jobs.worker.take import Envelope
from warehouse.control.outbox import record_row


@dataclass(frozen=True, slots=True)
class Known:
    """What the warehouse knows of a record: by the columns of `statements.known_control`.

    applied: at a lower offset. stored: as it was asked for. noted: where it stands in this log partition.
    """

    applied: bool = False
    stored: bool = False
    noted: bool = False


def missing_rows(
    record: ControlRecord, envelope: Envelope, known: Known, everywhere: Sequence[int]
) -> list[tuple[str, pl.DataFrame]]:
    """Table and row of what is missing; as a rule nothing. everywhere: where a record about everyone belongs."""
    rows = []
    if not known.stored:
        partitions = [envelope.src_partition] if record.organization else list(everywhere)
        row = record_row(record, partitions) | {"created": record.created.astimezone(UTC)}
        typed = pl.col("created").cast(pl.Datetime("ms", "UTC")), pl.col("partitions").cast(pl.List(pl.UInt16))
        rows.append(("control_records", pl.DataFrame([row]).with_columns(typed)))
    if not known.noted:
        place = {"src_partition": envelope.src_partition, "src_offset": envelope.offset}
        rows.append(("control_publications", pl.DataFrame([{"control_id": record.control_id, **place}])))
    return rows
