-- Closed days: what was known when they were closed beside what is known now.
CREATE OR REPLACE VIEW closed_usage_now
(
    organization LowCardinality(String) COMMENT 'Organisation',
    first_day Date COMMENT 'First day of the closed period',
    last_day Date COMMENT 'Last day of the closed period',
    closed DateTime64(6, 'UTC') COMMENT 'When it was closed',
    day Date COMMENT 'Date in the organisation''s calendar',
    provider LowCardinality(String) COMMENT 'Provider',
    model LowCardinality(String) COMMENT 'Model',
    closed_requests Int64 COMMENT 'Requests when it was closed',
    closed_cost_usd Decimal(38, 9) COMMENT 'Cost when it was closed (USD, exact)',
    closed_billed_usd Decimal(38, 9) COMMENT 'Billed amount when it was closed (USD, exact)',
    closed_credits Decimal(38, 6) COMMENT 'Credits when it was closed (exact)',
    requests Int64 COMMENT 'Requests now',
    cost_usd Decimal(38, 9) COMMENT 'Cost now (USD, exact)',
    billed_usd Decimal(38, 9) COMMENT 'Billed amount now (USD, exact)',
    credits Decimal(38, 6) COMMENT 'Credits now (exact)',
    changed_cost_usd Decimal(38, 9) COMMENT 'Change of the cost since it was closed (USD, exact)',
    changed_billed_usd Decimal(38, 9) COMMENT 'Change of the billed amount since it was closed (USD, exact)'
)
AS SELECT
    period.organization AS organization,
    period.first_day AS first_day,
    period.last_day AS last_day,
    period.closed AS closed,
    used.day AS day,
    used.provider AS provider,
    used.model AS model,
    sum(used.was_requests) AS closed_requests,
    sum(used.was_cost) AS closed_cost_usd,
    sum(used.was_billed) AS closed_billed_usd,
    sum(used.was_credits) AS closed_credits,
    sum(used.is_requests) AS requests,
    sum(used.is_cost) AS cost_usd,
    sum(used.is_billed) AS billed_usd,
    sum(used.is_credits) AS credits,
    sum(used.is_cost) - sum(used.was_cost) AS changed_cost_usd,
    sum(used.is_billed) - sum(used.was_billed) AS changed_billed_usd
FROM
(
    SELECT organization, first_day, last_day, period_id, closed FROM closed_periods FINAL
    ORDER BY closed, period_id LIMIT 1 BY organization, first_day, last_day
) AS period
INNER JOIN
(
    SELECT
        organization,
        period_id,
        day,
        toString(provider) AS provider,
        toString(model) AS model,
        requests AS was_requests,
        toDecimal128(cost_nano_usd, 9) / 1000000000 AS was_cost,
        toDecimal128(billed_nano_usd, 9) / 1000000000 AS was_billed,
        toDecimal128(credits_micro, 6) / 1000000 AS was_credits,
        toInt64(0) AS is_requests,
        toDecimal128(0, 9) AS is_cost,
        toDecimal128(0, 9) AS is_billed,
        toDecimal128(0, 6) AS is_credits
    FROM closed_usage FINAL
    UNION ALL
    SELECT
        period.organization,
        period.period_id,
        daily.day,
        toString(daily.provider),
        toString(daily.model),
        toInt64(0),
        toDecimal128(0, 9),
        toDecimal128(0, 9),
        toDecimal128(0, 6),
        daily.requests,
        daily.cost_usd,
        daily.billed_usd,
        daily.credits
    FROM usage_daily AS daily
    INNER JOIN (SELECT organization, first_day, last_day, period_id FROM closed_periods FINAL) AS period ON period.organization = daily.organization
    WHERE daily.day >= period.first_day AND daily.day <= period.last_day
) AS used ON used.organization = period.organization AND used.period_id = period.period_id
GROUP BY organization, first_day, last_day, closed, day, provider, model
COMMENT 'Closed days as they were closed and as they are known now';
