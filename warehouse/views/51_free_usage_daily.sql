-- The free plan's day begins at midnight UTC, whatever the calendar of the organisation. An execution counts when it
-- succeeded or used something: a call that failed before it used anything leaves the limit alone. The limit is the one
-- in force when the day begins, and it is one per user, whichever customer of the organisation they work for. What runs on
-- a customer's own key (BYOK) is an execution that costs us nothing.
CREATE OR REPLACE VIEW free_usage_daily
(
    organization LowCardinality(String) COMMENT 'Organisation',
    day Date COMMENT 'Date in UTC',
    user_id String COMMENT 'User; empty for usage that names none, which then counts together',
    executions UInt64 COMMENT 'Executions of the free plan on this day',
    free_daily_limit UInt32 COMMENT 'Executions that the terms allow',
    remaining UInt64 COMMENT 'Executions that are left',
    excess UInt64 COMMENT 'Executions beyond the limit',
    cost_usd Decimal(38, 9) COMMENT 'What they cost us, without BYOK; nothing is billed (USD, exact)'
)
AS SELECT
    used.organization AS organization,
    used.date AS day,
    used.user_id AS user_id,
    used.executions AS executions,
    if(own.found = 1, own.most, shared.most) AS free_daily_limit,
    if(executions < free_daily_limit, free_daily_limit - executions, 0) AS remaining,
    if(executions > free_daily_limit, executions - free_daily_limit, 0) AS excess,
    used.cost AS cost_usd
FROM
(
    SELECT
        organization, toDate(time, 'UTC') AS date, user_id,
        countIf(status = 'success' OR total_tokens > 0 OR arrayExists(quantity -> quantity > 0, mapValues(quantities))) AS executions,
        sumIf(cost_usd, billing_type != 'BYOK') AS cost,
        toDateTime(date, 'UTC') AS midnight,
        '' AS everyone
    FROM usage_events
    WHERE upper(plan) = 'FREE'
    GROUP BY organization, date, user_id
) AS used
ASOF LEFT JOIN
(
    SELECT organization, effective_from, free_daily_limit AS most, 1 AS found FROM billing_terms WHERE organization != ''
) AS own ON used.organization = own.organization AND used.midnight >= own.effective_from
ASOF LEFT JOIN
(
    SELECT organization, effective_from, free_daily_limit AS most FROM billing_terms WHERE organization = ''
) AS shared ON used.everyone = shared.organization AND used.midnight >= shared.effective_from
COMMENT 'Executions of the free plan per user and UTC day, against the limit';
