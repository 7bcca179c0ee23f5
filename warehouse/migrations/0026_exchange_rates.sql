-- Exchange rates for people who read money in another currency; stored money stays in US dollars. Append-only: what was
-- said once stays, and of two rates for one day the newest holds. Asked for all days of one currency: so the key is currency,
-- day, and the moment it was said completes it.
CREATE TABLE exchange_rates
(
    currency LowCardinality(String) COMMENT 'ISO 4217 code, for example EUR',
    day Date COMMENT 'First day on which it holds; it holds until the next rate of the currency',
    units_per_usd Decimal(38, 18) COMMENT 'Units of the currency for one US dollar, exact',
    author String COMMENT 'Who said it',
    source String COMMENT 'Where it comes from, for example the name of a file',
    note String COMMENT 'Why',
    created DateTime64(6, 'UTC') COMMENT 'When it was said'
)
ENGINE = ReplacingMergeTree
ORDER BY (currency, day, created)
COMMENT 'Exchange rates as operators set them';
