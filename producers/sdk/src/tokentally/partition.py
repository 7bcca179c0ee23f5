"""Where an organization's events go: its name and the partition count in, a Kafka partition number out.

Every producer computes the number with this function and hands it to Kafka, because the default partitioners of the
client libraries differ. The hash is CRC-32 (the one of zlib and gzip) of the UTF-8 bytes: every standard library and
ClickHouse (`CRC32`) has it, and on the usual ways of naming organizations the fullest of 8 partitions holds at most
about 1.3 times the mean, which the organizations' own sizes dwarf. `partition_vectors.json` beside this file holds
vectors for other languages.
"""

import zlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NO_OVERRIDES: Final[Mapping[str, int]] = MappingProxyType({})


def partition_of(organization: str, partition_count: int, overrides: Mapping[str, int] = NO_OVERRIDES) -> int:
    """CRC-32 of the UTF-8 bytes, modulo `partition_count`; an organization named in `overrides` goes where it says.

    Names are compared byte by byte: no case folding, no Unicode normalisation. An override may point beyond
    `partition_count`: nothing hashes there, so a very large organization has that partition to itself. Count and
    overrides belong to one generation of the topic and never change within it.

    Raises ValueError for a count below 1 or a negative override.
    """
    if partition_count < 1:
        raise ValueError(f"a topic has at least one partition, not {partition_count}")
    override = overrides.get(organization)
    if override is None:
        return zlib.crc32(organization.encode()) % partition_count
    if override < 0:
        raise ValueError(f"the override of {organization!r} is {override}: partitions are numbered from 0")
    return override
