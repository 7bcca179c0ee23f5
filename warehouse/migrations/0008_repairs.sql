-- Which days of which organisation a worker is asked to compute again from raw events. One row per slice; the owner of
-- the log partition does it between takes. Sort key: a worker looks for what is open in its partitions; the newest
-- version of a slice counts.
CREATE TABLE repairs
(
    repair_id String COMMENT 'Identity of the request: the slices of one request share it',
    src_partition UInt16 COMMENT 'Log partition whose rows are computed again (1024 x topic generation + Kafka partition)',
    organization String COMMENT 'Organisation',
    day Date COMMENT 'Local date',
    state Enum8('asked' = 1, 'running' = 2, 'done' = 3, 'failed' = 4) COMMENT 'running: rows of the epoch may exist already',
    epoch UInt16 DEFAULT 0 COMMENT 'Epoch of the recomputed rows, once it is known',
    cut Int64 DEFAULT -1 COMMENT 'Applied offset up to which raw events were summed, once it is known',
    author String COMMENT 'Who asked',
    reason String COMMENT 'Why',
    message String COMMENT 'What went wrong when it failed',
    asked DateTime64(3, 'UTC') COMMENT 'When it was asked for',
    version UInt64 COMMENT 'Row version: counts the changes of state'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (src_partition, repair_id, organization, day)
COMMENT 'Requests to compute rollup rows again from raw events, and how far they are';
