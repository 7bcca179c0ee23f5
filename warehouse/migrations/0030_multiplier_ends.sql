-- A multiplier that ends gives back what holds for the model otherwise.
ALTER TABLE multipliers
    ADD COLUMN ended Bool DEFAULT false COMMENT 'Whether from its date on there is no multiplier here: a less specific one or that of everyone holds' AFTER multiplier_milli;
