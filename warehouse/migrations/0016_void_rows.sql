-- A void event stays in usage_raw as a row that FINAL leaves out: its identity is known, and it counts nowhere. The
-- engine's parameters cannot be altered, so the table is made anew around the same parts; the sort key stays.
DROP VIEW event_id_lookup_from_raw;

DROP VIEW event_id_log_from_raw;

ALTER TABLE usage_raw ADD COLUMN IF NOT EXISTS void UInt8 DEFAULT 0 COMMENT '1 when a control record said that the event never counted';

DROP TABLE IF EXISTS usage_raw_with_void;

CREATE TABLE usage_raw_with_void AS usage_raw
ENGINE = ReplacingMergeTree(control_offset, void)
PARTITION BY toYYYYMM(time)
ORDER BY (organization, time, event_id)
SETTINGS min_bytes_for_wide_part = 268435456
COMMENT 'Every accepted usage event; read it through the view usage_events';

ALTER TABLE usage_raw_with_void ATTACH PARTITION ALL FROM usage_raw;

EXCHANGE TABLES usage_raw AND usage_raw_with_void;

DROP TABLE usage_raw_with_void;

ALTER TABLE usage_raw COMMENT COLUMN control_offset 'Which control record last rewrote the row: topic generation x 2^48 + its offset + 1; 0 at birth; the row version';

CREATE MATERIALIZED VIEW event_id_lookup_from_raw TO event_id_lookup AS
SELECT organization, time, event_id, src_partition, src_offset, src_index FROM usage_raw;

CREATE MATERIALIZED VIEW event_id_log_from_raw TO event_id_log AS
SELECT src_partition, src_offset, src_index, organization, event_id, time, append_time, logic_version FROM usage_raw;
