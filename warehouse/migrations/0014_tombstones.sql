-- What stays of erased events: without their places in the log their copies would count as new (rule E16).
-- Asked for single ids like event_id_lookup, and read by partition when a worker begins.
CREATE TABLE tombstones
(
    organization LowCardinality(String) COMMENT 'Organisation of the event',
    time DateTime64(3, 'UTC') COMMENT 'Time of the event',
    id_hash UUID COMMENT 'Keyed hash of organisation and event id; the key is a secret of the installation',
    src_partition UInt16 COMMENT 'Log partition of the event (1024 x topic generation + Kafka partition)',
    src_offset Int64 COMMENT 'Offset of its envelope',
    src_index UInt32 COMMENT 'Position inside the envelope',
    append_time DateTime64(3, 'UTC') COMMENT 'When the log received the event',
    key_check String COMMENT 'Tells whether a key is the one that made id_hash'
)
ENGINE = ReplacingMergeTree
ORDER BY (organization, time, id_hash)
SETTINGS index_granularity = 256
COMMENT 'Where erased events stood in the log, by a hash of their identity';
