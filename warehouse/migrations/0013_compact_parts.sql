-- Small parts keep their columns in one file. With a file or two per column every insert and every merge makes some
-- two hundred files, and making and deleting them took a third of the engine's time.
ALTER TABLE usage_raw MODIFY SETTING min_bytes_for_wide_part = 268435456;
ALTER TABLE event_id_lookup MODIFY SETTING min_bytes_for_wide_part = 268435456;
ALTER TABLE event_id_log MODIFY SETTING min_bytes_for_wide_part = 268435456;
ALTER TABLE rollup MODIFY SETTING min_bytes_for_wide_part = 268435456;
ALTER TABLE rollup_prompt MODIFY SETTING min_bytes_for_wide_part = 268435456;
ALTER TABLE rollup_category MODIFY SETTING min_bytes_for_wide_part = 268435456;
ALTER TABLE rollup_thread MODIFY SETTING min_bytes_for_wide_part = 268435456;
ALTER TABLE rollup_latency MODIFY SETTING min_bytes_for_wide_part = 268435456;
