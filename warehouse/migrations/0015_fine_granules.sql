-- Workers load the rows of single quarter hours of an organisation when late events touch them. Granules of 8,192 rows
-- made each such load read most of a table; these are an eighth. A table cannot change its granules: it is copied,
-- which takes a minute per some ten million rows and as much disk again. Every statement may be repeated.

DROP TABLE IF EXISTS rollup_coarse;
CREATE TABLE IF NOT EXISTS rollup_fine AS rollup
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, customer_id, user_id, department, project, feature, api_key_id, provider, model, billing_type, status, src_partition)
SETTINGS index_granularity = 1024, min_bytes_for_wide_part = 268435456
COMMENT 'Usage by user, feature, model and the other dimensions, per bucket';
INSERT INTO rollup_fine (grain, organization, bucket, customer_id, user_id, department, project, feature, api_key_id, provider, model, billing_type, status, src_partition, hour, day, week, requests, input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, input_audio_tokens, cache_audio_read_tokens, output_audio_tokens, input_image_tokens, cache_image_read_tokens, output_image_tokens, input_video_tokens, output_video_tokens, cost_nano_usd, billed_nano_usd, credits_micro, duration_ms, timed_requests, time_to_first_token_ms, first_token_requests, unpriced_requests, late_requests, rating_sum, rated_requests, offset, epoch) SELECT grain, organization, bucket, customer_id, user_id, department, project, feature, api_key_id, provider, model, billing_type, status, src_partition, hour, day, week, requests, input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, input_audio_tokens, cache_audio_read_tokens, output_audio_tokens, input_image_tokens, cache_image_read_tokens, output_image_tokens, input_video_tokens, output_video_tokens, cost_nano_usd, billed_nano_usd, credits_micro, duration_ms, timed_requests, time_to_first_token_ms, first_token_requests, unpriced_requests, late_requests, rating_sum, rated_requests, offset, epoch FROM rollup SETTINGS max_partitions_per_insert_block = 0;
RENAME TABLE rollup TO rollup_coarse, rollup_fine TO rollup;
DROP TABLE rollup_coarse;

DROP TABLE IF EXISTS rollup_prompt_coarse;
CREATE TABLE IF NOT EXISTS rollup_prompt_fine AS rollup_prompt
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, prompt_id, provider, model, src_partition)
SETTINGS index_granularity = 1024, min_bytes_for_wide_part = 268435456
COMMENT 'Usage by prompt and model, per bucket; events without a prompt are not in it';
INSERT INTO rollup_prompt_fine (grain, organization, bucket, prompt_id, provider, model, src_partition, hour, day, week, requests, errors, total_input_tokens, total_output_tokens, cost_nano_usd, billed_nano_usd, credits_micro, duration_ms, timed_requests, rating_sum, rated_requests, offset, epoch) SELECT grain, organization, bucket, prompt_id, provider, model, src_partition, hour, day, week, requests, errors, total_input_tokens, total_output_tokens, cost_nano_usd, billed_nano_usd, credits_micro, duration_ms, timed_requests, rating_sum, rated_requests, offset, epoch FROM rollup_prompt SETTINGS max_partitions_per_insert_block = 0;
RENAME TABLE rollup_prompt TO rollup_prompt_coarse, rollup_prompt_fine TO rollup_prompt;
DROP TABLE rollup_prompt_coarse;

DROP TABLE IF EXISTS rollup_category_coarse;
CREATE TABLE IF NOT EXISTS rollup_category_fine AS rollup_category
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, category, provider, model, src_partition)
SETTINGS index_granularity = 1024, min_bytes_for_wide_part = 268435456
COMMENT 'Usage by task category and model, per bucket; events without a category are not in it';
INSERT INTO rollup_category_fine (grain, organization, bucket, category, provider, model, src_partition, hour, day, week, requests, errors, total_input_tokens, total_output_tokens, cost_nano_usd, billed_nano_usd, credits_micro, duration_ms, timed_requests, rating_sum, rated_requests, offset, epoch) SELECT grain, organization, bucket, category, provider, model, src_partition, hour, day, week, requests, errors, total_input_tokens, total_output_tokens, cost_nano_usd, billed_nano_usd, credits_micro, duration_ms, timed_requests, rating_sum, rated_requests, offset, epoch FROM rollup_category SETTINGS max_partitions_per_insert_block = 0;
RENAME TABLE rollup_category TO rollup_category_coarse, rollup_category_fine TO rollup_category;
DROP TABLE rollup_category_coarse;

DROP TABLE IF EXISTS rollup_thread_coarse;
CREATE TABLE IF NOT EXISTS rollup_thread_fine AS rollup_thread
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, thread_id, src_partition)
SETTINGS index_granularity = 1024, min_bytes_for_wide_part = 268435456
COMMENT 'Usage by conversation, per bucket; events without a thread are not in it';
INSERT INTO rollup_thread_fine (grain, organization, bucket, thread_id, src_partition, hour, day, week, requests, errors, total_input_tokens, total_output_tokens, cost_nano_usd, billed_nano_usd, credits_micro, duration_ms, timed_requests, rating_sum, rated_requests, offset, epoch) SELECT grain, organization, bucket, thread_id, src_partition, hour, day, week, requests, errors, total_input_tokens, total_output_tokens, cost_nano_usd, billed_nano_usd, credits_micro, duration_ms, timed_requests, rating_sum, rated_requests, offset, epoch FROM rollup_thread SETTINGS max_partitions_per_insert_block = 0;
RENAME TABLE rollup_thread TO rollup_thread_coarse, rollup_thread_fine TO rollup_thread;
DROP TABLE rollup_thread_coarse;

DROP TABLE IF EXISTS rollup_latency_coarse;
CREATE TABLE IF NOT EXISTS rollup_latency_fine AS rollup_latency
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, provider, model, metric, src_partition)
SETTINGS index_granularity = 1024, min_bytes_for_wide_part = 268435456
COMMENT 'Histograms of response times per local hour, day and week, derived from usage_raw when a day closes: fixed bins, so that percentiles merge exactly and are within 2 percent';
INSERT INTO rollup_latency_fine (grain, organization, bucket, provider, model, metric, src_partition, hour, day, week, bins, counts, offset, epoch) SELECT grain, organization, bucket, provider, model, metric, src_partition, hour, day, week, bins, counts, offset, epoch FROM rollup_latency SETTINGS max_partitions_per_insert_block = 0;
RENAME TABLE rollup_latency TO rollup_latency_coarse, rollup_latency_fine TO rollup_latency;
DROP TABLE rollup_latency_coarse;
