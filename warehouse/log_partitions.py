"""How rows number the partitions of the log: 1024 x topic generation + Kafka partition, unique over generations."""

PARTITIONS_PER_GENERATION = 1024
VERSIONS_PER_GENERATION = 1 << 48


def row_version(src_partition: int, src_offset: int) -> int:
    """usage_raw.control_offset of what the control record at this place wrote: rises over offsets and generations."""
    return src_partition // PARTITIONS_PER_GENERATION * VERSIONS_PER_GENERATION + src_offset + 1


def place_of_version(version: int) -> tuple[int, int]:
    """Topic generation and offset of the control record that writes this version."""
    generation, after = divmod(version, VERSIONS_PER_GENERATION)
    return generation, after - 1
