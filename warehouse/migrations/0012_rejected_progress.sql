-- How far the topic of refusals is stored. It stands beside the refusals, so that an older backup of the warehouse goes
-- back with both and what came after it is stored again.
CREATE TABLE rejected_progress
(
    topic String COMMENT 'Kafka topic',
    partition UInt16 COMMENT 'Kafka partition',
    next_offset Int64 COMMENT 'First offset that is not stored yet'
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (topic, partition)
COMMENT 'How far the topic of refusals has been stored; the truth about where to resume';
