-- What calls cost us against what is billed for them. A customer's own key (BYOK) is paid by the customer: it costs us
-- nothing. The free plan is billed nothing and costs us all the same. Summed from the rollups, so it equals raw events.
CREATE OR REPLACE VIEW margin_daily
(
    organization LowCardinality(String) COMMENT 'Organisation',
    day Date COMMENT 'Date in the organisation''s calendar',
    month Date COMMENT 'First day of the month',
    customer_id String COMMENT 'Customer of the organisation',
    provider LowCardinality(String) COMMENT 'Provider',
    model LowCardinality(String) COMMENT 'Model',
    requests Int64 COMMENT 'Requests',
    cost_usd Decimal(38, 9) COMMENT 'Cost at the provider''s prices, whoever pays it (USD, exact)',
    byok_cost_usd Decimal(38, 9) COMMENT 'Part of the cost that customers pay themselves, by their own keys (USD, exact)',
    provider_cost_usd Decimal(38, 9) COMMENT 'Part of the cost that is ours: cost less byok_cost_usd (USD, exact)',
    billed_usd Decimal(38, 9) COMMENT 'Billed amount (USD, exact)',
    margin_usd Decimal(38, 9) COMMENT 'billed_usd less provider_cost_usd (USD, exact)',
    credits Decimal(38, 6) COMMENT 'Credits (exact)',
    unpriced_requests Int64 COMMENT 'Requests unpriced or partly priced: their cost is not in the margin'
)
AS SELECT
    daily.organization AS organization,
    daily.day AS day,
    toStartOfMonth(daily.day) AS month,
    daily.customer_id AS customer_id,
    daily.provider AS provider,
    daily.model AS model,
    sum(daily.requests) AS requests,
    sum(daily.cost_usd) AS cost_usd,
    sumIf(daily.cost_usd, daily.billing_type = 'BYOK') AS byok_cost_usd,
    cost_usd - byok_cost_usd AS provider_cost_usd,
    sum(daily.billed_usd) AS billed_usd,
    billed_usd - provider_cost_usd AS margin_usd,
    sum(daily.credits) AS credits,
    sum(daily.unpriced_requests) AS unpriced_requests
FROM usage_daily AS daily
GROUP BY daily.organization, daily.day, daily.customer_id, daily.provider, daily.model
COMMENT 'Provider cost, billed amount and margin per local day, customer and model; sums are exact';
