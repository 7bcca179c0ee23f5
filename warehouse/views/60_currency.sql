-- Each rate that holds, with the days on which it does.
CREATE OR REPLACE VIEW currency_rates
(
    currency LowCardinality(String) COMMENT 'ISO 4217 code',
    day Date COMMENT 'First day on which it holds',
    last_day Nullable(Date) COMMENT 'Last day on which it holds; null while no later rate is known',
    units_per_usd Decimal(38, 18) COMMENT 'Units of the currency for one US dollar, exact',
    author String COMMENT 'Who said it',
    source String COMMENT 'Where it comes from',
    note String COMMENT 'Why',
    created DateTime64(6, 'UTC') COMMENT 'When it was said'
)
AS SELECT
    currency,
    day,
    if(next_day IS NULL, NULL, assumeNotNull(next_day) - 1) AS last_day,
    units_per_usd,
    author,
    source,
    note,
    created
FROM
(
    SELECT *, leadInFrame(toNullable(day)) OVER (PARTITION BY currency ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next_day
    FROM
    (
        SELECT toString(currency) AS currency, day, units_per_usd, author, source, note, created
        FROM exchange_rates FINAL ORDER BY created DESC LIMIT 1 BY currency, day
        UNION ALL
        SELECT 'USD', toDate('1970-01-01'), toDecimal128(1, 18), '', '', 'one US dollar', toDateTime64(0, 6, 'UTC')
    )
)
COMMENT 'Exchange rates that hold; of two for one day the newest. A dollar is a dollar';

-- Usage in every currency that has rates, each day at its own. Filter by currency: otherwise rows count once for each.
CREATE OR REPLACE VIEW usage_daily_converted
(
    currency LowCardinality(String) COMMENT 'Currency of cost and billed',
    organization LowCardinality(String) COMMENT 'Organisation',
    day Date COMMENT 'Date in the organisation''s calendar',
    month Date COMMENT 'First day of the month',
    customer_id String COMMENT 'Customer of the organisation',
    department LowCardinality(String) COMMENT 'Department',
    provider LowCardinality(String) COMMENT 'Provider',
    model LowCardinality(String) COMMENT 'Model',
    billing_type LowCardinality(String) COMMENT 'SYSTEM or BYOK',
    requests Int64 COMMENT 'Requests',
    cost_usd Decimal(38, 9) COMMENT 'Cost (USD, exact)',
    billed_usd Decimal(38, 9) COMMENT 'Billed amount (USD, exact)',
    units_per_usd Nullable(Decimal(38, 18)) COMMENT 'Rate of that day; null when none is known',
    cost Nullable(Decimal(76, 27)) COMMENT 'Cost in the currency, exact; null without a rate',
    billed Nullable(Decimal(76, 27)) COMMENT 'Billed amount in the currency, exact; null without a rate'
)
AS SELECT
    used.wanted AS currency,
    used.organization AS organization,
    used.day AS day,
    toStartOfMonth(used.day) AS month,
    used.customer_id AS customer_id,
    used.department AS department,
    used.provider AS provider,
    used.model AS model,
    used.billing_type AS billing_type,
    used.requests AS requests,
    used.cost_usd AS cost_usd,
    used.billed_usd AS billed_usd,
    nullIf(known.units_per_usd, 0) AS units_per_usd,
    used.cost_usd * toDecimal256(nullIf(known.units_per_usd, 0), 18) AS cost,
    used.billed_usd * toDecimal256(nullIf(known.units_per_usd, 0), 18) AS billed
FROM
(
    SELECT each.currency AS wanted, per_day.*
    FROM
    (
        SELECT organization, day, customer_id, department, provider, model, billing_type, sum(requests) AS requests, sum(cost_usd) AS cost_usd, sum(billed_usd) AS billed_usd
        FROM usage_daily GROUP BY organization, day, customer_id, department, provider, model, billing_type
    ) AS per_day
    CROSS JOIN (SELECT DISTINCT currency FROM currency_rates) AS each
) AS used
ASOF LEFT JOIN (SELECT currency AS wanted, day AS since, units_per_usd FROM currency_rates) AS known
    ON used.wanted = known.wanted AND used.day >= known.since
COMMENT 'Cost and billed amounts per day in other currencies, converted at the rate of each day';
