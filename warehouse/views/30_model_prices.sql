-- The price list people see: base prices per million tokens, in force now, of the newest revision for everyone.
CREATE OR REPLACE VIEW model_prices
(
    provider LowCardinality(String) COMMENT 'Provider',
    model String COMMENT 'Model',
    display_name String COMMENT 'Name for people',
    input_usd_per_million Nullable(Decimal(38, 18)) COMMENT 'Input',
    cache_read_usd_per_million Nullable(Decimal(38, 18)) COMMENT 'Cached input',
    cache_write_usd_per_million Nullable(Decimal(38, 18)) COMMENT 'Cache write',
    output_usd_per_million Nullable(Decimal(38, 18)) COMMENT 'Output',
    free UInt8 COMMENT '1 when input and output cost nothing',
    price_revision UInt32 COMMENT 'Revision',
    effective_from DateTime('UTC') COMMENT 'From when the prices hold',
    multiplier Decimal(18, 3) COMMENT 'Credits per request',
    tier LowCardinality(String) COMMENT 'economy, standard or premium: follows from the multiplier'
)
AS WITH multipliers_now AS
(
    SELECT lower(provider) AS for_provider, lower(model) AS for_model, argMax(multiplier_milli, multipliers.effective_from) AS milli, argMax(multipliers.tier, multipliers.effective_from) AS now_tier
    FROM multipliers FINAL
    WHERE revision = (SELECT max(revision) FROM config_revisions WHERE kind = 'multipliers' AND organization = '') AND organization = '' AND multipliers.effective_from <= now()
    GROUP BY for_provider, for_model
    HAVING NOT argMax(ended, multipliers.effective_from)
)
SELECT
    base.*,
    toDecimal64(multiIf(own.for_model != '', own.milli, anywhere.for_model != '', anywhere.milli, ifNull((SELECT max(milli) FROM multipliers_now WHERE for_model = ''), 1000)), 3) / 1000 AS multiplier,
    multiIf(own.for_model != '', own.now_tier, anywhere.for_model != '', anywhere.now_tier, ifNull((SELECT any(now_tier) FROM multipliers_now WHERE for_model = ''), 'standard')) AS tier
FROM
(
    SELECT
        provider, model, any(display_name) AS display_name,
        anyIf(CAST(price_usd AS Nullable(Decimal(38, 18))), unit = 'input_mtok') AS input_usd_per_million,
        anyIf(CAST(price_usd AS Nullable(Decimal(38, 18))), unit = 'cache_read_mtok') AS cache_read_usd_per_million,
        anyIf(CAST(price_usd AS Nullable(Decimal(38, 18))), unit = 'cache_write_mtok') AS cache_write_usd_per_million,
        anyIf(CAST(price_usd AS Nullable(Decimal(38, 18))), unit = 'output_mtok') AS output_usd_per_million,
        max(price_usd) = 0 AND any(unit) != '' AS free,
        max(revision) AS price_revision,
        max(from_instant) AS effective_from
    FROM
    (
        SELECT *, effective_from AS from_instant, argMaxIf(effective_from, position, effective_from <= now()) OVER (PARTITION BY provider, model) AS current
        FROM prices FINAL
        WHERE revision = (SELECT max(revision) FROM config_revisions WHERE kind = 'prices' AND organization = '') AND organization = '' AND model != '' AND service_tier = '' AND daily_from = '' AND tier_start = 0
    )
    WHERE from_instant = current
    GROUP BY provider, model
) AS base
LEFT JOIN multipliers_now AS own ON lower(base.provider) = own.for_provider AND lower(base.model) = own.for_model
LEFT JOIN (SELECT * FROM multipliers_now WHERE for_provider = '') AS anywhere ON lower(base.model) = anywhere.for_model
COMMENT 'Prices per million tokens of each model, in force now';
