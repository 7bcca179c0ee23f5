-- What the audit knows about the log, and what it found.
-- log_counts: one row per log partition and topic; the highest offset counts. The sort key is that identity.
CREATE TABLE log_counts
(
    src_partition UInt16 COMMENT 'Log partition (1024 x topic generation + Kafka partition)',
    topic_id String COMMENT 'Kafka''s id of the topic: another id is another log',
    offset Int64 COMMENT 'Last offset that was counted',
    seen UInt64 COMMENT 'Events of the log up to there, counted by reading it',
    accepted UInt64 COMMENT 'Events that are stored at positions up to there',
    started_at_offset Int64 COMMENT 'First offset that was read; 0 = the log is counted from its start, else what came before was taken from the running totals',
    counted DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was counted (for people only)'
)
ENGINE = ReplacingMergeTree(offset)
ORDER BY (src_partition, topic_id)
COMMENT 'How many events the log itself holds, counted apart from the workers: running totals must equal it';

-- audits: one row per run, asked for the newest.
CREATE TABLE audits
(
    started DateTime64(3, 'UTC') COMMENT 'When the audit began',
    finished DateTime64(3, 'UTC') COMMENT 'When it ended',
    scope String COMMENT 'What was compared',
    rows UInt64 COMMENT 'Rows that were compared',
    differing UInt64 COMMENT 'Rows that differ',
    message String COMMENT 'One sentence for people',
    older_until Date COMMENT 'Last of the older days that were compared; the next audit goes on behind it',
    applied Map(UInt16, Int64) COMMENT 'Applied offset of each log partition when it began'
)
ENGINE = MergeTree
ORDER BY started
COMMENT 'Audits: comparisons of rollups, raw events and running totals with each other and with the log';
