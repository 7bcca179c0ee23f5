-- The terms of the newest state: of each owner (empty: the default of all others) those of its newest revision, and
-- before the first default the terms that everybody begins with.
CREATE OR REPLACE VIEW billing_terms
(
    organization String COMMENT 'Organisation; empty: the default of all that have no terms of their own at that time',
    effective_from DateTime('UTC') COMMENT 'From when they hold',
    effective_to Nullable(DateTime('UTC')) COMMENT 'Until when (excluded); null: for good',
    basis LowCardinality(String) COMMENT 'What credits count: request (its model''s multiplier), cost (credits_per_usd) or tokens (multipliers are credits per 1,000 tokens)',
    credits_per_usd Decimal(38, 18) COMMENT 'Credits per USD of cost; for the basis cost',
    rounding LowCardinality(String) COMMENT 'exact: millionths of a credit; up: whole credits, each event rounded up',
    markup Decimal(18, 6) COMMENT 'Share on top of the cost of what is billed: 0.2 is 20 %',
    free_daily_limit UInt32 COMMENT 'Executions of a user of the free plan between two UTC midnights',
    revision UInt32 COMMENT 'Revision of the multipliers that says so; 0: as shipped',
    author String COMMENT 'Who set them',
    note String COMMENT 'Why',
    source String COMMENT 'How they came',
    created DateTime64(3, 'UTC') COMMENT 'When they were set'
)
AS WITH agreed AS
(
    SELECT organization, effective_from AS starts, basis, credits_per_usd, rounding, markup_ppm, free_daily_limit, revision, author, note, source, created
    FROM terms FINAL
    WHERE (organization, revision) IN (SELECT organization, max(revision) FROM config_revisions WHERE kind = 'multipliers' GROUP BY organization)
)
SELECT
    organization,
    starts AS effective_from,
    nullIf(leadInFrame(starts) OVER (PARTITION BY organization ORDER BY starts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), toDateTime(0, 'UTC')) AS effective_to,
    basis,
    credits_per_usd,
    rounding,
    toDecimal64(markup_ppm, 6) / 1000000 AS markup,
    free_daily_limit,
    revision,
    author,
    note,
    source,
    created
FROM
(
    SELECT * FROM agreed
    UNION ALL
    SELECT '', toDateTime(0, 'UTC'), 'request', toDecimal128(0, 18), 'exact', 0, 3, 0, 'tokentally', 'As shipped', 'tokentally', toDateTime64(0, 3, 'UTC')
    WHERE NOT EXISTS (SELECT 1 FROM agreed WHERE organization = '' AND starts = toDateTime(0, 'UTC'))
)
COMMENT 'How credits are counted, what is billed and what is free: of each organisation, by date';
