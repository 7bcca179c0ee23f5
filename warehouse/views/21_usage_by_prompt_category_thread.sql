-- The narrow families in the words people use.
CREATE OR REPLACE VIEW usage_by_prompt
(
    organization LowCardinality(String) COMMENT 'Organisation',
    bucket DateTime('UTC') COMMENT 'Start of the quarter hour',
    day Date COMMENT 'Date in the organisation''s calendar',
    week Date COMMENT 'First day of the week in the organisation''s calendar',
    month Date COMMENT 'First day of the month',
    prompt_id String COMMENT 'Prompt',
    provider LowCardinality(String) COMMENT 'Provider',
    model LowCardinality(String) COMMENT 'Model',
    requests Int64 COMMENT 'Requests',
    errors Int64 COMMENT 'Requests that did not succeed',
    total_input_tokens Int64 COMMENT 'All input tokens',
    total_output_tokens Int64 COMMENT 'All output tokens',
    cost_usd Decimal(38, 9) COMMENT 'Cost (USD, exact)',
    billed_usd Decimal(38, 9) COMMENT 'Billed amount (USD, exact)',
    credits Decimal(38, 6) COMMENT 'Credits (exact)',
    duration_ms Int64 COMMENT 'Sum of response times (ms)',
    timed_requests Int64 COMMENT 'Requests with a response time',
    rating_sum Int64 COMMENT 'Sum of ratings',
    rated_requests Int64 COMMENT 'Requests with a rating'
)
AS SELECT
    organization, bucket, day, week, toStartOfMonth(day) AS month,
    prompt_id,
    provider,
    model,
    requests,
    errors,
    total_input_tokens,
    total_output_tokens,
    toDecimal128(cost_nano_usd, 9) / 1000000000 AS cost_usd,
    toDecimal128(billed_nano_usd, 9) / 1000000000 AS billed_usd,
    toDecimal128(credits_micro, 6) / 1000000 AS credits,
    duration_ms,
    timed_requests,
    rating_sum,
    rated_requests
FROM rollup_prompt FINAL WHERE grain = 'quarter'
COMMENT 'Usage per quarter hour and prompt';

CREATE OR REPLACE VIEW usage_by_category
(
    organization LowCardinality(String) COMMENT 'Organisation',
    bucket DateTime('UTC') COMMENT 'Start of the quarter hour',
    day Date COMMENT 'Date in the organisation''s calendar',
    week Date COMMENT 'First day of the week in the organisation''s calendar',
    month Date COMMENT 'First day of the month',
    category LowCardinality(String) COMMENT 'Task category',
    provider LowCardinality(String) COMMENT 'Provider',
    model LowCardinality(String) COMMENT 'Model',
    requests Int64 COMMENT 'Requests',
    errors Int64 COMMENT 'Requests that did not succeed',
    total_input_tokens Int64 COMMENT 'All input tokens',
    total_output_tokens Int64 COMMENT 'All output tokens',
    cost_usd Decimal(38, 9) COMMENT 'Cost (USD, exact)',
    billed_usd Decimal(38, 9) COMMENT 'Billed amount (USD, exact)',
    credits Decimal(38, 6) COMMENT 'Credits (exact)',
    duration_ms Int64 COMMENT 'Sum of response times (ms)',
    timed_requests Int64 COMMENT 'Requests with a response time',
    rating_sum Int64 COMMENT 'Sum of ratings',
    rated_requests Int64 COMMENT 'Requests with a rating'
)
AS SELECT
    organization, bucket, day, week, toStartOfMonth(day) AS month,
    category,
    provider,
    model,
    requests,
    errors,
    total_input_tokens,
    total_output_tokens,
    toDecimal128(cost_nano_usd, 9) / 1000000000 AS cost_usd,
    toDecimal128(billed_nano_usd, 9) / 1000000000 AS billed_usd,
    toDecimal128(credits_micro, 6) / 1000000 AS credits,
    duration_ms,
    timed_requests,
    rating_sum,
    rated_requests
FROM rollup_category FINAL WHERE grain = 'quarter'
COMMENT 'Usage per quarter hour and task category';

CREATE OR REPLACE VIEW usage_by_thread
(
    organization LowCardinality(String) COMMENT 'Organisation',
    bucket DateTime('UTC') COMMENT 'Start of the quarter hour',
    day Date COMMENT 'Date in the organisation''s calendar',
    week Date COMMENT 'First day of the week in the organisation''s calendar',
    month Date COMMENT 'First day of the month',
    thread_id String COMMENT 'Conversation',
    requests Int64 COMMENT 'Requests',
    errors Int64 COMMENT 'Requests that did not succeed',
    total_input_tokens Int64 COMMENT 'All input tokens',
    total_output_tokens Int64 COMMENT 'All output tokens',
    cost_usd Decimal(38, 9) COMMENT 'Cost (USD, exact)',
    billed_usd Decimal(38, 9) COMMENT 'Billed amount (USD, exact)',
    credits Decimal(38, 6) COMMENT 'Credits (exact)',
    duration_ms Int64 COMMENT 'Sum of response times (ms)',
    timed_requests Int64 COMMENT 'Requests with a response time',
    rating_sum Int64 COMMENT 'Sum of ratings',
    rated_requests Int64 COMMENT 'Requests with a rating'
)
AS SELECT
    organization, bucket, day, week, toStartOfMonth(day) AS month,
    thread_id,
    requests,
    errors,
    total_input_tokens,
    total_output_tokens,
    toDecimal128(cost_nano_usd, 9) / 1000000000 AS cost_usd,
    toDecimal128(billed_nano_usd, 9) / 1000000000 AS billed_usd,
    toDecimal128(credits_micro, 6) / 1000000 AS credits,
    duration_ms,
    timed_requests,
    rating_sum,
    rated_requests
FROM rollup_thread FINAL WHERE grain = 'quarter'
COMMENT 'Usage per quarter hour and conversation';
