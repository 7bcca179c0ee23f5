"""Where the warehouse's time went: its log of statements and a span of time in, sums by statement out."""

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

VALUES = re.compile(r"'[^']*'|\d+")
SHOWN = 150


@dataclass(slots=True)
class Sum:
    """Of all statements that differ only in values."""

    count: int = 0
    milliseconds: float = 0.0
    read_rows: int = 0
    written_rows: int = 0


def longest(log: Path, since: float, until: float, most: int) -> list[str]:
    """A line for each of the statements that took the longest between two moments (Unix s), by when they ended.

    What a file that was rotated meanwhile held is left out.
    """
    sums: dict[str, Sum] = defaultdict(Sum)
    for line in log.read_text().splitlines():
        said = json.loads(line)
        if since <= datetime.fromisoformat(said["time"]).astimezone(UTC).timestamp() <= until:
            found = sums[VALUES.sub("?", said["sql"])]
            found.count += 1
            found.milliseconds += said["ms"]
            found.read_rows += said["read_rows"]
            found.written_rows += said["written_rows"]
    ordered = sorted(sums.items(), key=lambda each: -each[1].milliseconds)
    return [
        f"{found.milliseconds / 1000:7.2f} s {found.count:6,} × {found.read_rows:12,} rows read "
        f"{found.written_rows:11,} written  {sql[:SHOWN]}"
        for sql, found in ordered[:most]
    ]
