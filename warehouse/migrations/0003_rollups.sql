-- The rollup families. A row holds absolute sums of one bucket, versioned by log position; read with FINAL.
-- Sort key: grain first, so that a question about days never meets quarter hours; then the organisation, because
-- people and loads ask for one; then the bucket, because they ask for a range; the dimensions complete the key and
-- src_partition keeps the writers apart. Months bound the size of parts and the work of FINAL.
CREATE TABLE rollup
(
    grain Enum8('quarter' = 1, 'hour' = 2, 'day' = 3, 'week' = 4) COMMENT 'Size of the bucket',
    organization LowCardinality(String) COMMENT 'Organisation',
    bucket DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the bucket in the organisation''s calendar, as an instant',
    customer_id String COMMENT 'Customer of the organisation the call was made for; empty when unknown',
    user_id String COMMENT 'User who caused the call; empty when unknown',
    department LowCardinality(String) COMMENT 'Department or team of the user',
    project LowCardinality(String) COMMENT 'Project the usage belongs to',
    feature LowCardinality(String) COMMENT 'Product feature that made the call',
    api_key_id String COMMENT 'Id of the API key that was used (never the key)',
    provider LowCardinality(String) COMMENT 'Provider as sent, for example openai',
    model LowCardinality(String) COMMENT 'Model as sent, for example gpt-4o',
    billing_type LowCardinality(String) COMMENT 'SYSTEM (billed by the operator) or BYOK (the customer''s own key)',
    status LowCardinality(String) COMMENT 'success, error or cancelled',
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    hour DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the local hour of the bucket',
    day Date COMMENT 'Local date of the bucket',
    week Date COMMENT 'First day of the local week of the bucket',
    requests Int64 COMMENT 'Requests',
    input_tokens Int64 COMMENT 'Uncached input tokens',
    cache_read_tokens Int64 COMMENT 'Input tokens read from the provider''s cache',
    cache_write_5m_tokens Int64 COMMENT 'Input tokens written to a cache kept five minutes',
    cache_write_1h_tokens Int64 COMMENT 'Input tokens written to a cache kept one hour',
    output_tokens Int64 COMMENT 'Output tokens, reasoning excluded',
    reasoning_tokens Int64 COMMENT 'Output tokens spent on reasoning',
    input_audio_tokens Int64 COMMENT 'Uncached audio input tokens',
    cache_audio_read_tokens Int64 COMMENT 'Audio input tokens read from a cache',
    output_audio_tokens Int64 COMMENT 'Audio output tokens',
    input_image_tokens Int64 COMMENT 'Uncached image input tokens',
    cache_image_read_tokens Int64 COMMENT 'Image input tokens read from a cache',
    output_image_tokens Int64 COMMENT 'Image output tokens',
    input_video_tokens Int64 COMMENT 'Video input tokens',
    output_video_tokens Int64 COMMENT 'Video output tokens',
    cost_nano_usd Int64 COMMENT 'Cost (nano-USD)',
    billed_nano_usd Int64 COMMENT 'Billed amount (nano-USD)',
    credits_micro Int64 COMMENT 'Credits (millionths)',
    duration_ms Int64 COMMENT 'Sum of response times (ms)',
    timed_requests Int64 COMMENT 'Requests that carry a response time',
    time_to_first_token_ms Int64 COMMENT 'Sum of times to the first token (ms)',
    first_token_requests Int64 COMMENT 'Requests that carry a time to first token',
    unpriced_requests Int64 COMMENT 'Requests whose cost is unpriced or partial',
    late_requests Int64 COMMENT 'Requests that came late',
    rating_sum Int64 COMMENT 'Sum of ratings',
    rated_requests Int64 COMMENT 'Requests that carry a rating',
    offset Int64 COMMENT 'Last log offset that is part of the row; compared when events are applied',
    epoch UInt16 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    ver UInt64 MATERIALIZED bitShiftLeft(toUInt64(epoch), 48) + toUInt64(offset) COMMENT 'Row version: epoch x 2^48 + offset'
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, customer_id, user_id, department, project, feature, api_key_id, provider, model, billing_type, status, src_partition)
COMMENT 'Usage by user, feature, model and the other dimensions, per bucket';

CREATE TABLE rollup_prompt
(
    grain Enum8('quarter' = 1, 'hour' = 2, 'day' = 3, 'week' = 4) COMMENT 'Size of the bucket',
    organization LowCardinality(String) COMMENT 'Organisation',
    bucket DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the bucket in the organisation''s calendar, as an instant',
    prompt_id String COMMENT 'Prompt',
    provider LowCardinality(String) COMMENT 'Provider as sent, for example openai',
    model LowCardinality(String) COMMENT 'Model as sent, for example gpt-4o',
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    hour DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the local hour of the bucket',
    day Date COMMENT 'Local date of the bucket',
    week Date COMMENT 'First day of the local week of the bucket',
    requests Int64 COMMENT 'Requests',
    errors Int64 COMMENT 'Requests that did not succeed',
    total_input_tokens Int64 COMMENT 'Sum of all input buckets (tokens)',
    total_output_tokens Int64 COMMENT 'Sum of all output buckets (tokens)',
    cost_nano_usd Int64 COMMENT 'Cost (nano-USD)',
    billed_nano_usd Int64 COMMENT 'Billed amount (nano-USD)',
    credits_micro Int64 COMMENT 'Credits (millionths)',
    duration_ms Int64 COMMENT 'Sum of response times (ms)',
    timed_requests Int64 COMMENT 'Requests that carry a response time',
    rating_sum Int64 COMMENT 'Sum of ratings',
    rated_requests Int64 COMMENT 'Requests that carry a rating',
    offset Int64 COMMENT 'Last log offset that is part of the row; compared when events are applied',
    epoch UInt16 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    ver UInt64 MATERIALIZED bitShiftLeft(toUInt64(epoch), 48) + toUInt64(offset) COMMENT 'Row version: epoch x 2^48 + offset'
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, prompt_id, provider, model, src_partition)
COMMENT 'Usage by prompt and model, per bucket; events without a prompt are not in it';

CREATE TABLE rollup_category
(
    grain Enum8('quarter' = 1, 'hour' = 2, 'day' = 3, 'week' = 4) COMMENT 'Size of the bucket',
    organization LowCardinality(String) COMMENT 'Organisation',
    bucket DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the bucket in the organisation''s calendar, as an instant',
    category LowCardinality(String) COMMENT 'Task category',
    provider LowCardinality(String) COMMENT 'Provider as sent, for example openai',
    model LowCardinality(String) COMMENT 'Model as sent, for example gpt-4o',
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    hour DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the local hour of the bucket',
    day Date COMMENT 'Local date of the bucket',
    week Date COMMENT 'First day of the local week of the bucket',
    requests Int64 COMMENT 'Requests',
    errors Int64 COMMENT 'Requests that did not succeed',
    total_input_tokens Int64 COMMENT 'Sum of all input buckets (tokens)',
    total_output_tokens Int64 COMMENT 'Sum of all output buckets (tokens)',
    cost_nano_usd Int64 COMMENT 'Cost (nano-USD)',
    billed_nano_usd Int64 COMMENT 'Billed amount (nano-USD)',
    credits_micro Int64 COMMENT 'Credits (millionths)',
    duration_ms Int64 COMMENT 'Sum of response times (ms)',
    timed_requests Int64 COMMENT 'Requests that carry a response time',
    rating_sum Int64 COMMENT 'Sum of ratings',
    rated_requests Int64 COMMENT 'Requests that carry a rating',
    offset Int64 COMMENT 'Last log offset that is part of the row; compared when events are applied',
    epoch UInt16 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    ver UInt64 MATERIALIZED bitShiftLeft(toUInt64(epoch), 48) + toUInt64(offset) COMMENT 'Row version: epoch x 2^48 + offset'
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, category, provider, model, src_partition)
COMMENT 'Usage by task category and model, per bucket; events without a category are not in it';

CREATE TABLE rollup_thread
(
    grain Enum8('quarter' = 1, 'hour' = 2, 'day' = 3, 'week' = 4) COMMENT 'Size of the bucket',
    organization LowCardinality(String) COMMENT 'Organisation',
    bucket DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the bucket in the organisation''s calendar, as an instant',
    thread_id String COMMENT 'Conversation',
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    hour DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the local hour of the bucket',
    day Date COMMENT 'Local date of the bucket',
    week Date COMMENT 'First day of the local week of the bucket',
    requests Int64 COMMENT 'Requests',
    errors Int64 COMMENT 'Requests that did not succeed',
    total_input_tokens Int64 COMMENT 'Sum of all input buckets (tokens)',
    total_output_tokens Int64 COMMENT 'Sum of all output buckets (tokens)',
    cost_nano_usd Int64 COMMENT 'Cost (nano-USD)',
    billed_nano_usd Int64 COMMENT 'Billed amount (nano-USD)',
    credits_micro Int64 COMMENT 'Credits (millionths)',
    duration_ms Int64 COMMENT 'Sum of response times (ms)',
    timed_requests Int64 COMMENT 'Requests that carry a response time',
    rating_sum Int64 COMMENT 'Sum of ratings',
    rated_requests Int64 COMMENT 'Requests that carry a rating',
    offset Int64 COMMENT 'Last log offset that is part of the row; compared when events are applied',
    epoch UInt16 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    ver UInt64 MATERIALIZED bitShiftLeft(toUInt64(epoch), 48) + toUInt64(offset) COMMENT 'Row version: epoch x 2^48 + offset'
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, thread_id, src_partition)
COMMENT 'Usage by conversation, per bucket; events without a thread are not in it';

CREATE TABLE rollup_latency
(
    grain Enum8('quarter' = 1, 'hour' = 2, 'day' = 3, 'week' = 4) COMMENT 'Size of the bucket',
    organization LowCardinality(String) COMMENT 'Organisation',
    bucket DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the bucket in the organisation''s calendar, as an instant',
    provider LowCardinality(String) COMMENT 'Provider as sent, for example openai',
    model LowCardinality(String) COMMENT 'Model as sent, for example gpt-4o',
    metric LowCardinality(String) COMMENT 'duration_ms, time_to_first_token_ms or output_tokens_per_1000_s',
    src_partition UInt16 COMMENT 'Log partition the row was computed from (1024 x topic generation + Kafka partition)',
    hour DateTime('UTC') CODEC(Delta, LZ4) COMMENT 'Start of the local hour of the bucket',
    day Date COMMENT 'Local date of the bucket',
    week Date COMMENT 'First day of the local week of the bucket',
    bins Array(UInt16) COMMENT 'Bins that are not empty',
    counts Array(Int64) COMMENT 'Requests in each bin',
    offset Int64 COMMENT 'Last log offset that is part of the row; compared when events are applied',
    epoch UInt16 DEFAULT 0 COMMENT 'Raised by repair, reprice and calendar changes',
    ver UInt64 MATERIALIZED bitShiftLeft(toUInt64(epoch), 48) + toUInt64(offset) COMMENT 'Row version: epoch x 2^48 + offset'
)
ENGINE = ReplacingMergeTree(ver)
PARTITION BY toYYYYMM(bucket)
ORDER BY (grain, organization, bucket, provider, model, metric, src_partition)
COMMENT 'Histograms of response times per local hour, day and week, derived from usage_raw when a day closes: fixed bins, so that percentiles merge exactly and are within 2 percent';
