-- How many rows each erasure removed from which table: a row is written before a deletion and once more after it, so that
-- a deletion that is repeated after a crash counts once and a later one is added. Sort key: asked for by erasure.
CREATE TABLE IF NOT EXISTS erased_rows
(
    control_id UUID COMMENT 'The control record that asks for the erasure',
    table_name LowCardinality(String) COMMENT 'Table they were removed from; with "texts of " rows whose texts were emptied',
    number UInt32 COMMENT 'Which deletion from the table: 0 is the first',
    rows SimpleAggregateFunction(max, UInt64) COMMENT 'Rows it found, old versions counted in',
    done SimpleAggregateFunction(max, UInt8) COMMENT '1 when it is known to be carried out'
)
ENGINE = AggregatingMergeTree
ORDER BY (control_id, table_name, number)
COMMENT 'How many rows erasures removed';

-- What earlier certificates say.
INSERT INTO erased_rows (control_id, table_name, number, rows, done)
SELECT control_id, told.1, 0, told.2, 1 FROM erasures FINAL
ARRAY JOIN JSONExtractKeysAndValues(certificate, 'removed', 'UInt64') AS told WHERE told.1 != 'events';
