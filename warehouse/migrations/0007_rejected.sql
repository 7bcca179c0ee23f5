-- What was refused, kept with its bytes; and what people should know about.
CREATE TABLE rejected
(
    rejection_id String COMMENT 'Identity of the rejection: log position, or an id made by the collector',
    time DateTime64(3, 'UTC') CODEC(Delta, LZ4) COMMENT 'When it was refused',
    source LowCardinality(String) COMMENT 'collector or worker',
    organization String COMMENT 'Organisation when it could be read',
    event_id String COMMENT 'Event id when it could be read',
    reason String COMMENT 'What was wrong and what to do',
    src_partition Nullable(UInt16) COMMENT 'Log partition, when it was refused by a worker',
    src_offset Nullable(Int64) COMMENT 'Offset of its envelope',
    src_index Nullable(UInt32) COMMENT 'Position inside the envelope; null for a whole envelope',
    raw String COMMENT 'The bytes that were sent (possibly cut)'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (time, rejection_id)
COMMENT 'Events that were refused, with the reason and their bytes';

CREATE TABLE alerts
(
    alert_id String COMMENT 'Identity: an alert raised again is the same row',
    kind LowCardinality(String) COMMENT 'Kind, for example unregistered_organization',
    organization String COMMENT 'Organisation concerned',
    time DateTime64(3, 'UTC') COMMENT 'When it was raised, by the log''s clock',
    message String COMMENT 'One sentence for people',
    details String COMMENT 'JSON'
)
ENGINE = ReplacingMergeTree
ORDER BY alert_id
COMMENT 'What people should know about; one row per alert id';
