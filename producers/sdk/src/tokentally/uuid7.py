"""UUID version 7 (RFC 9562, section 5.7): a time in, an id that sorts by it out; and the time back."""

import os
import time
from uuid import UUID

_UNIX_MS_LIMIT = 1 << 48


def uuid7(unix_ms: int | None = None) -> UUID:
    """A new id: 48 bits of Unix milliseconds, then 74 random bits.

    `unix_ms` defaults to now. Ids of the same millisecond have no order among themselves. Raises ValueError when the
    time does not fit (before 1970 or after the year 10889).
    """
    milliseconds = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    if not 0 <= milliseconds < _UNIX_MS_LIMIT:
        raise ValueError(f"a UUIDv7 holds 0 to {_UNIX_MS_LIMIT - 1} Unix milliseconds, not {milliseconds}")
    random_bits = int.from_bytes(os.urandom(10), "big")
    version_and_random_a = 0x7000 | (random_bits >> 68)
    variant_and_random_b = (0b10 << 62) | (random_bits & ((1 << 62) - 1))
    return UUID(int=(milliseconds << 80) | (version_and_random_a << 64) | variant_and_random_b)


def unix_ms_of(value: UUID) -> int | None:
    """The Unix milliseconds in a version 7 id; None for any other UUID."""
    # UUID.version is None unless the variant is that of RFC 9562.
    return value.int >> 80 if value.version == 7 else None
