-- Whatever a replacement can change stays in the trace: also the key that was used, the plan, each bucket of tokens and the
-- other quantities. The buckets are kept for replacements alone, because nothing else changes them.
ALTER TABLE corrections
    ADD COLUMN api_key_id String COMMENT 'Id of the API key before' AFTER thread_id,
    ADD COLUMN plan LowCardinality(String) COMMENT 'Plan of the customer before' AFTER billing_type,
    ADD COLUMN error_code LowCardinality(String) COMMENT 'Error code before' AFTER status,
    ADD COLUMN quantities Map(LowCardinality(String), Decimal(38, 18)) COMMENT 'Usage in other units before; of replacements' AFTER output_tokens,
    ADD COLUMN cache_read_tokens UInt64 COMMENT 'Input tokens read from the provider''s cache, before; of replacements' AFTER quantities,
    ADD COLUMN cache_write_5m_tokens UInt64 COMMENT 'Input tokens written to a cache kept five minutes, before; of replacements' AFTER cache_read_tokens,
    ADD COLUMN cache_write_1h_tokens UInt64 COMMENT 'Input tokens written to a cache kept one hour, before; of replacements' AFTER cache_write_5m_tokens,
    ADD COLUMN reasoning_tokens UInt64 COMMENT 'Output tokens spent on reasoning, before; of replacements' AFTER cache_write_1h_tokens,
    ADD COLUMN input_audio_tokens UInt64 COMMENT 'Uncached audio input tokens before; of replacements' AFTER reasoning_tokens,
    ADD COLUMN cache_audio_read_tokens UInt64 COMMENT 'Audio input tokens read from a cache, before; of replacements' AFTER input_audio_tokens,
    ADD COLUMN output_audio_tokens UInt64 COMMENT 'Audio output tokens before; of replacements' AFTER cache_audio_read_tokens,
    ADD COLUMN input_image_tokens UInt64 COMMENT 'Uncached image input tokens before; of replacements' AFTER output_audio_tokens,
    ADD COLUMN cache_image_read_tokens UInt64 COMMENT 'Image input tokens read from a cache, before; of replacements' AFTER input_image_tokens,
    ADD COLUMN output_image_tokens UInt64 COMMENT 'Image output tokens before; of replacements' AFTER cache_image_read_tokens,
    ADD COLUMN input_video_tokens UInt64 COMMENT 'Video input tokens before; of replacements' AFTER output_image_tokens,
    ADD COLUMN output_video_tokens UInt64 COMMENT 'Video output tokens before; of replacements' AFTER input_video_tokens;

-- JSON may write a name in several ways: bytes that nobody can read as one object are searched for all of them.
ALTER TABLE erased_users
    ADD COLUMN written Array(String) COMMENT 'How else JSON writes the user, in quotes' AFTER user_id;
