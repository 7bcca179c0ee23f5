"""Frames of the load generator as NDJSON, as a foreign producer would send them."""

import json
from uuid import UUID

import polars as pl
import zstandard


def ndjson_of(frame: pl.DataFrame) -> bytes:
    """One zstd-packed NDJSON envelope; what is absent is left out."""
    lines = []
    for row in frame.iter_rows(named=True):
        event = {name: value for name, value in row.items() if value not in ("", None, 0)}
        event["event_id"] = str(UUID(bytes=row["event_id"]))
        event["time"] = row["time"].strftime("%Y-%m-%dT%H:%M:%S.") + f"{row['time'].microsecond // 1000:03d}Z"
        for name in ("quantities", "metadata"):
            if name in event:
                event[name] = json.loads(event[name])
        lines.append(json.dumps(event, separators=(",", ":")))
    return zstandard.compress("\n".join(lines).encode(), 3)
