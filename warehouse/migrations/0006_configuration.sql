-- Prices and multipliers: append-only revisions, effective-dated. Sort keys follow how a whole revision is read.
CREATE TABLE config_revisions
(
    kind LowCardinality(String) COMMENT 'prices or multipliers',
    revision UInt32 COMMENT 'Number of the revision',
    content_hash String COMMENT 'SHA-256 of its rows',
    author String COMMENT 'Who made it',
    note String COMMENT 'Why',
    source String COMMENT 'Where the rows come from, with version',
    created DateTime64(3, 'UTC') COMMENT 'When it was made'
)
ENGINE = ReplacingMergeTree
ORDER BY (kind, revision)
COMMENT 'Every revision of prices and multipliers';

CREATE TABLE prices
(
    revision UInt32 COMMENT 'Revision',
    organization String COMMENT 'Organisation the price is for; empty for everyone',
    provider LowCardinality(String) COMMENT 'Provider in the catalogue',
    model String COMMENT 'Model in the catalogue',
    display_name String COMMENT 'Model name for people',
    match String COMMENT 'Rule that finds the model from what events carry (JSON)',
    effective_from DateTime('UTC') COMMENT 'From when the price holds',
    daily_from String COMMENT 'Start of the daily window (UTC, HH:MM:SS) or empty',
    daily_to String COMMENT 'End of the daily window or empty',
    unit LowCardinality(String) COMMENT 'Unit of usage, for example input_mtok',
    tier_start UInt64 COMMENT 'Total input tokens above which the price holds; 0 for the base',
    price_usd Decimal(38, 18) COMMENT 'USD per the number of units',
    per UInt64 COMMENT 'Number of units the price is for',
    position UInt32 COMMENT 'Order inside the revision',
    source String COMMENT 'Source of the row',
    author String COMMENT 'Who set it',
    note String COMMENT 'Why',
    created DateTime64(3, 'UTC') COMMENT 'When it was written'
)
ENGINE = ReplacingMergeTree
ORDER BY (revision, organization, provider, model, effective_from, daily_from, unit, tier_start, position)
COMMENT 'Prices of each revision, as given by their source';

CREATE TABLE multipliers
(
    revision UInt32 COMMENT 'Revision',
    organization String COMMENT 'Organisation, empty for everyone',
    provider LowCardinality(String) COMMENT 'Provider in the catalogue, empty for any',
    model String COMMENT 'Model in the catalogue',
    multiplier_milli UInt64 COMMENT 'Thousandths: 1000 is 1x',
    tier LowCardinality(String) COMMENT 'economy, standard or premium',
    effective_from DateTime('UTC') COMMENT 'From when it holds',
    author String COMMENT 'Who set it',
    note String COMMENT 'Why',
    source String COMMENT 'Source of the row',
    created DateTime64(3, 'UTC') COMMENT 'When it was written'
)
ENGINE = ReplacingMergeTree
ORDER BY (revision, organization, provider, model, effective_from)
COMMENT 'Credit multipliers of each revision';
