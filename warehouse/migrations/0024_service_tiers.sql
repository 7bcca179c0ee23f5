-- How calls were served, and the rates that depend on it. Sort keys stay: a price is told apart by its position.
ALTER TABLE usage_raw ADD COLUMN service_tier LowCardinality(String) DEFAULT '' COMMENT 'How the provider served the call: batch, flex, priority or fast; empty for its standard way' AFTER error_code;

ALTER TABLE corrections ADD COLUMN service_tier LowCardinality(String) DEFAULT '' COMMENT 'Service tier before' AFTER model;

ALTER TABLE prices
    ADD COLUMN service_tier LowCardinality(String) DEFAULT '' COMMENT 'Service tier the price is for; empty for the standard one' AFTER model,
    ADD COLUMN marginal Bool DEFAULT false COMMENT 'Whether the price holds only for what a call uses of the unit above tier_start' AFTER tier_start;
