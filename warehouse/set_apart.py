"""Records of the log that were set apart as poison: a column of offsets in, a condition out."""


def not_set_apart(column: str) -> str:
    """What a control record left that was half applied when it ended the process, and that was then set apart, holds
    no more."""
    return f"(src_partition, {column}) NOT IN (SELECT src_partition, src_offset FROM quarantine WHERE src_index < 0)"
