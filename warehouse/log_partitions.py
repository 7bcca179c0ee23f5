"""How rows number the partitions of the log: 1024 x topic generation + Kafka partition, unique over generations."""

PARTITIONS_PER_GENERATION = 1024


def row_version(src_partition: int, src_offset: int) -> int:
    """usage_raw.control_offset of what the control record at this place wrote: rises over offsets and generations."""
    return (src_partition // PARTITIONS_PER_GENERATION << 48) + src_offset + 1
