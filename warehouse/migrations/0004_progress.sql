-- What the workers know about the log. Small tables; the newest version of a row counts.
CREATE TABLE partition_progress
(
    topic String COMMENT 'Kafka topic',
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    topic_id String COMMENT 'Kafka''s id of the topic: another id is another log',
    applied_offset Int64 COMMENT 'Last offset whose effects are stored completely',
    applied_time DateTime64(3, 'UTC') COMMENT 'Highest append time seen up to there: the partition''s clock',
    seen UInt64 COMMENT 'Events read from the log so far',
    accepted UInt64 COMMENT 'Events counted',
    duplicates UInt64 COMMENT 'Events that were copies of counted ones',
    rejected UInt64 COMMENT 'Events refused',
    misrouted UInt64 COMMENT 'Events forwarded to their own partition',
    logic_version UInt32 COMMENT 'Version of the worker''s rules that wrote the row',
    worker String COMMENT 'Name of the worker',
    written DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was written (for people only)'
)
ENGINE = ReplacingMergeTree(applied_offset)
ORDER BY (topic, src_partition)
COMMENT 'How far each log partition has been applied; the truth about where to resume';

CREATE TABLE touched_periods
(
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    organization LowCardinality(String) COMMENT 'Organisation',
    grain Enum8('day' = 3, 'week' = 4) COMMENT 'day or week',
    date Date COMMENT 'Local date of the day, or first day of the week',
    kind Enum8('touched' = 0, 'done' = 1) COMMENT 'touched by a flush, or done by a cascade',
    offset Int64 COMMENT 'Applied offset of that flush, or of the flush the cascade read after'
)
ENGINE = ReplacingMergeTree(offset)
ORDER BY (src_partition, organization, grain, date, kind)
COMMENT 'Days and weeks whose derived rows must be recomputed: pending while touched is above done';

CREATE TABLE revision_switches
(
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    offset Int64 COMMENT 'First offset under the revision',
    kind LowCardinality(String) COMMENT 'prices or multipliers',
    revision UInt32 COMMENT 'Revision in force from here'
)
ENGINE = ReplacingMergeTree
ORDER BY (src_partition, kind, offset)
COMMENT 'From which log position a configuration revision is in force';
