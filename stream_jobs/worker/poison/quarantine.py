"""What is set apart from the log: envelopes decoded without the events that once ended the process.

A row is written before its event is skipped for the first time and read whenever the partition is loaded, so that
every replay skips the same events. What is skipped is seen and rejected, as if it had been refused by its content.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from producers.envelopes.decoded import Decoded, Rejected, clipped, refused_whole
from producers.envelopes.envelope import Opened, open_envelope
from producers.envelopes.partly import decode_without
from stream_jobs.worker import statements
from stream_jobs.worker.sink import Sink

WHOLE = -1
"""The index that stands for a whole envelope."""


@dataclass(frozen=True, slots=True)
class Held:
    """Why an event is set apart, and its bytes."""

    reason: str
    raw: bytes = b""


HeldRows = Mapping[int, Held]
"""By position in the envelope, or WHOLE."""


@dataclass(slots=True)
class Quarantine:
    """What is set apart of one partition, by offset."""

    envelopes: dict[int, dict[int, Held]] = field(default_factory=dict)

    def opened(self, offset: int, value: bytes, content_type: str | None) -> Opened:
        """The envelope's events without those that are set apart, which are among the refused."""
        held = self.envelopes.get(offset)
        return open_envelope(value, content_type) if held is None else decoded_around(value, content_type, held)

    def hold(self, offset: int, rows: HeldRows) -> None:
        """Sets these rows apart from now on."""
        self.envelopes.setdefault(offset, {}).update(rows)


def decoded_around(value: bytes, content_type: str | None, held: HeldRows) -> Decoded:
    """Decodes what is not held; what is held is refused with its reason and never looked into."""
    if WHOLE in held:
        return refused_whole(held[WHOLE].reason, value)
    rest = decode_without(value, content_type, held.keys())
    apart = [Rejected(index, clipped(row.reason), row.raw) for index, row in sorted(held.items())]
    return Decoded(rest.frame, rest.index, [*rest.rejected, *apart])


def write(sink: Sink, partition: int, offset: int, rows: HeldRows) -> None:
    """Stores rows durably; they may be skipped afterwards."""
    told = [(partition, offset, index, row.reason, row.raw) for index, row in rows.items()]
    schema = {
        "src_partition": pl.UInt16,
        "src_offset": pl.Int64,
        "src_index": pl.Int32,
        "reason": pl.String,
        "raw": pl.Binary,
    }
    sink.insert("quarantine", pl.DataFrame(told, schema=schema, orient="row"))


def load(sink: Sink, applied: Mapping[int, int]) -> dict[int, Quarantine]:
    """What is set apart of these partitions above their applied offsets."""
    found = {partition: Quarantine() for partition in applied}
    for partition, offset, index, reason, raw in sink.rows(statements.quarantined(sorted(applied))):
        if offset > applied[partition]:
            found[partition].hold(offset, {index: Held(reason, bytes.fromhex(raw))})
    return found
