-- Two narrow tables for deduplication, filled from usage_raw by materialized views, so that one insert makes all durable.
-- event_id_lookup is asked for single ids of late events: its sort key is the identity and its granules are small.
CREATE TABLE event_id_lookup
(
    organization LowCardinality(String) COMMENT 'Organisation of the event',
    time DateTime64(3, 'UTC') COMMENT 'Time of the event',
    event_id UUID COMMENT 'Identity of the event',
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    src_offset Int64 COMMENT 'Offset of its envelope',
    src_index UInt32 COMMENT 'Position inside the envelope'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (organization, time, event_id)
SETTINGS index_granularity = 256
COMMENT 'Where each event stands in the log, by identity';

-- event_id_log refills a worker's window after a restart: the newest ids of one partition, in log order.
CREATE TABLE event_id_log
(
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    src_offset Int64 CODEC(Delta, LZ4) COMMENT 'Offset of its envelope',
    src_index UInt32 COMMENT 'Position inside the envelope',
    organization LowCardinality(String) COMMENT 'Organisation of the event',
    event_id UUID COMMENT 'Identity of the event',
    time DateTime64(3, 'UTC') CODEC(Delta, LZ4) COMMENT 'Time of the event',
    append_time DateTime64(3, 'UTC') CODEC(Delta, LZ4) COMMENT 'When the log received the event'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(append_time)
ORDER BY (src_partition, src_offset, src_index)
COMMENT 'The accepted events of each log partition in log order';

CREATE MATERIALIZED VIEW event_id_lookup_from_raw TO event_id_lookup AS
SELECT organization, time, event_id, src_partition, src_offset, src_index FROM usage_raw;

CREATE MATERIALIZED VIEW event_id_log_from_raw TO event_id_log AS
SELECT src_partition, src_offset, src_index, organization, event_id, time, append_time FROM usage_raw;
