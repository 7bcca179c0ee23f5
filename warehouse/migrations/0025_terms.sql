-- Terms belong to the revisions of the multipliers: a revision holds all terms of its owner, and state N is, for each
-- owner, its highest revision up to N. Sort key: a whole revision is read, then an organisation's terms in order of time.
CREATE TABLE terms
(
    revision UInt32 COMMENT 'Revision of the multipliers',
    organization String COMMENT 'Organisation the terms are for; empty: the default of all others',
    effective_from DateTime('UTC') COMMENT 'From when they hold',
    basis LowCardinality(String) COMMENT 'What credits count: request (its model''s multiplier), cost (credits_per_usd) or tokens (multipliers are credits per 1,000 tokens)',
    credits_per_usd Decimal(38, 18) COMMENT 'Credits per USD of cost; for the basis cost',
    rounding LowCardinality(String) COMMENT 'exact: millionths of a credit; up: whole credits, each event rounded up',
    markup_ppm UInt32 COMMENT 'Millionths on top of the cost of what is billed',
    free_daily_limit UInt32 COMMENT 'Executions of a user of the free plan between two UTC midnights',
    author String COMMENT 'Who set them',
    note String COMMENT 'Why',
    source String COMMENT 'How they came',
    created DateTime64(3, 'UTC') COMMENT 'When they were set'
)
ENGINE = ReplacingMergeTree
ORDER BY (revision, organization, effective_from)
COMMENT 'How credits are counted, what is billed and what is free, of each revision';
