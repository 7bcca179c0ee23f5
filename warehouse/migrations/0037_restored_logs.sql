-- Until the workers have read again what the log held when a backup was restored, nobody knows which revisions it names:
-- a number that is given out before could be one of theirs.
CREATE TABLE restored_logs
(
    src_partition UInt16 COMMENT 'Log partition (1024 x topic generation + Kafka partition)',
    log_end Int64 COMMENT 'First offset that the log did not have when the backup was put back',
    restored DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was put back'
)
ENGINE = ReplacingMergeTree(restored)
ORDER BY src_partition
COMMENT 'What the log held at the last restore';
