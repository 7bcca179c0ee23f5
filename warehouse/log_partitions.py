"""How rows number the partitions of the log: 1024 x topic generation + Kafka partition, unique over generations."""

PARTITIONS_PER_GENERATION = 1024
