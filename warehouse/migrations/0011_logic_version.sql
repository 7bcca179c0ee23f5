-- Which rules of the worker wrote an event: after a change of the rules, what the former ones left behind progress is
-- told from what the present ones wrote (rule E10), also by a statement that arrives late.
ALTER TABLE usage_raw ADD COLUMN logic_version UInt16 DEFAULT 0 COMMENT 'Version of the worker''s rules that wrote the row';

ALTER TABLE event_id_log ADD COLUMN logic_version UInt16 DEFAULT 0 COMMENT 'Version of the worker''s rules that wrote the row';

DROP VIEW event_id_log_from_raw;

CREATE MATERIALIZED VIEW event_id_log_from_raw TO event_id_log AS
SELECT src_partition, src_offset, src_index, organization, event_id, time, append_time, logic_version FROM usage_raw;
