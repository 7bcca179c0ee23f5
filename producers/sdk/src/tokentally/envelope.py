"""The envelope: events of one partition in, the value of one Kafka message out; its words and its limits."""

from collections.abc import Iterable
from typing import Final

from .errors import EnvelopeTooLarge
from .usage_event import UsageEvent

HEADER_CONTENT_TYPE: Final = "content-type"
"""Header that names the envelope's format: NDJSON or ARROW_STREAM."""
NDJSON: Final = "application/x-ndjson"
"""One JSON event a line; the value may be gzip or zstd, recognised by its first bytes."""
ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"
"""Arrow IPC stream, as the collector sends it: with zstd buffers, or packed whole with zstd when it is small."""

HEADER_KIND: Final = "kind"
KIND_USAGE: Final = "usage"
"""Usage events; also what an absent header means."""
KIND_CONTROL: Final = "control"
"""Reserved for the installation's own signed records."""

MAX_EVENTS: Final = 1_000
TARGET_BYTES: Final = 256_000
"""Where a packer closes an envelope, counted on the wire."""
MAX_WIRE_BYTES: Final = 900_000
"""What Kafka accepts as one value."""
MAX_DECOMPRESSED_BYTES: Final = 8_000_000
"""What a reader unpacks at most."""
MAX_LINGER_MS: Final = 100
"""How long a packer may wait for more events."""


def ndjson_envelope(events: Iterable[UsageEvent]) -> bytes:
    """The events as uncompressed NDJSON, each line ended by a newline.

    The caller puts events of one partition together, see `partition_of`. Raises EnvelopeTooLarge above
    MAX_EVENTS or MAX_WIRE_BYTES.
    """
    lines = [event.to_json() for event in events]
    if len(lines) > MAX_EVENTS:
        raise EnvelopeTooLarge(f"{len(lines)} events in one envelope; at most {MAX_EVENTS} are allowed")
    value = b"".join(line + b"\n" for line in lines)
    if len(value) > MAX_WIRE_BYTES:
        raise EnvelopeTooLarge(f"{len(lines)} events make {len(value)} bytes; at most {MAX_WIRE_BYTES} are allowed")
    return value
