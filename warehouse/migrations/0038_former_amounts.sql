-- Amounts can be taken away from events: what they were stays here.
ALTER TABLE corrections
    ADD COLUMN duration_ms Nullable(Int64) COMMENT 'Response time before (ms)' AFTER rating,
    ADD COLUMN time_to_first_token_ms Nullable(Int64) COMMENT 'Time until the first token before (ms)' AFTER duration_ms,
    ADD COLUMN reported_cost_nano_usd Nullable(Int64) COMMENT 'Cost the provider reported, before (nano-USD)' AFTER time_to_first_token_ms;
