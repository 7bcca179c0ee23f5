-- What killed workers and is skipped in every replay; and what became of refusals that were put through again.
-- Read by partition when a worker loads it, so partition and position are the key. Small: rows exist for poison only.
CREATE TABLE quarantine
(
    src_partition UInt16 COMMENT 'Log partition (1024 x topic generation + Kafka partition)',
    src_offset Int64 COMMENT 'Offset of the envelope',
    src_index Int32 COMMENT 'Position of the event in its envelope; -1 for the whole envelope',
    reason String COMMENT 'What happened when it was worked on',
    raw String COMMENT 'Bytes of the event or envelope',
    written DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was set apart (for people only)'
)
ENGINE = ReplacingMergeTree(written)
ORDER BY (src_partition, src_offset, src_index)
COMMENT 'Events and envelopes that no worker decodes again: they ended the process, or the warehouse never takes them';

-- One row per event of a refusal and per time it was sent: looked up by the refusal's identity.
CREATE TABLE replays
(
    rejection_id String COMMENT 'The refusal that was put through again',
    line UInt32 COMMENT 'Which event of it: 0, or the line of a whole envelope',
    replayed DateTime64(3, 'UTC') COMMENT 'When it was sent',
    by String COMMENT 'Who sent it: user and machine',
    edited UInt8 COMMENT '1 when another payload than the refused one was sent',
    organization String COMMENT 'Organisation of the event that was sent',
    event_id String COMMENT 'Its event id as sent',
    outcome LowCardinality(String) COMMENT 'accepted or refused, by the collector',
    reason String COMMENT 'Why it was refused again',
    partition Nullable(UInt16) COMMENT 'Kafka partition of the envelope it went into',
    offset Nullable(Int64) COMMENT 'Offset of that envelope',
    position Nullable(UInt32) COMMENT 'Position inside that envelope'
)
ENGINE = ReplacingMergeTree
ORDER BY (rejection_id, line, replayed)
COMMENT 'What became of refused events that were sent again with ./tally rejected replay';

ALTER TABLE rejected ADD COLUMN api_key_id String DEFAULT '' COMMENT 'Key that the collector authenticated, when it refused' AFTER event_id;
