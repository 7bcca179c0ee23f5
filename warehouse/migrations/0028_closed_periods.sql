-- Days that were closed: what was known of them then, so that what came later can be shown apart. Written once and never
-- changed; the row of a period is written after its usage, so a period is closed whole or not at all. Of two that close the
-- same days the first holds. Asked for by organisation; the sort keys follow that.
CREATE TABLE closed_periods
(
    organization LowCardinality(String) COMMENT 'Organisation',
    first_day Date COMMENT 'First day in the organisation''s calendar',
    last_day Date COMMENT 'Last day, included',
    period_id UUID COMMENT 'Identity of the closing',
    closed DateTime64(6, 'UTC') COMMENT 'When it was closed, by the warehouse''s clock',
    applied Map(UInt16, Int64) COMMENT 'Up to where each log partition had been applied: later events are not in it',
    author String COMMENT 'Who closed it',
    note String COMMENT 'Why'
)
ENGINE = ReplacingMergeTree
ORDER BY (organization, first_day, closed, period_id)
COMMENT 'Days that were closed, by whom and at which cut of the log';

CREATE TABLE closed_usage
(
    organization LowCardinality(String) COMMENT 'Organisation',
    period_id UUID COMMENT 'The closing',
    day Date COMMENT 'Date in the organisation''s calendar',
    provider LowCardinality(String) COMMENT 'Provider',
    model LowCardinality(String) COMMENT 'Model',
    requests Int64 COMMENT 'Requests',
    total_tokens Int64 COMMENT 'All tokens',
    cost_nano_usd Int64 COMMENT 'Cost (nano-USD)',
    billed_nano_usd Int64 COMMENT 'Billed amount (nano-USD)',
    credits_micro Int64 COMMENT 'Credits (millionths)',
    closed DateTime64(6, 'UTC') COMMENT 'When it was closed'
)
ENGINE = ReplacingMergeTree
ORDER BY (organization, period_id, day, provider, model)
COMMENT 'Usage of closed days as it was known when they were closed';
