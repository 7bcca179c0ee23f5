-- Models whose events cost nothing, too little or what their provider said, because a price is missing: with volumes, so that the largest come first.
CREATE OR REPLACE VIEW unpriced_models
(
    organization LowCardinality(String) COMMENT 'Organisation',
    provider LowCardinality(String) COMMENT 'Provider as sent',
    model LowCardinality(String) COMMENT 'Model as sent',
    cost_status LowCardinality(String) COMMENT 'unpriced: nobody knows the model; partial: some of its usage has no price; reported: no price either, what the provider reported stands in',
    requests UInt64 COMMENT 'Requests',
    total_tokens UInt64 COMMENT 'All their tokens',
    cost_usd Decimal(38, 9) COMMENT 'What they cost as far as it is known (USD, exact)',
    days UInt64 COMMENT 'Days on which it was used',
    first_time DateTime64(3, 'UTC') COMMENT 'The first of them',
    last_time DateTime64(3, 'UTC') COMMENT 'The last of them',
    example_event_id UUID COMMENT 'The last event'
)
AS SELECT
    organization,
    provider,
    model,
    cost_status,
    count() AS requests,
    sum(total_tokens) AS total_tokens,
    sum(cost_usd) AS cost_usd,
    uniqExact(day) AS days,
    min(time) AS first_time,
    max(time) AS last_time,
    argMax(event_id, time) AS example_event_id
FROM
(
    SELECT organization, provider, model, cost_status, total_tokens, cost_usd, day, time, event_id
    FROM usage_events WHERE cost_status IN ('unpriced', 'partial', 'reported')
)
GROUP BY organization, provider, model, cost_status
COMMENT 'Models without a price, or with a price for a part of their usage, and how much they were used';
