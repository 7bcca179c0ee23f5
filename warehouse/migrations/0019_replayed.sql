-- Where a replay builds rollup rows beside those in use (rule E5: they carry the epoch under which they will be). Same
-- columns and sort keys as the families; one partition per log partition, so that an owner empties his own at once.

CREATE TABLE replayed_rollup AS rollup
ENGINE = ReplacingMergeTree(ver)
PARTITION BY src_partition
ORDER BY (grain, organization, bucket, customer_id, user_id, department, project, feature, api_key_id, provider, model, billing_type, status, src_partition)
COMMENT 'Rows of rollup that a replay has built and not put in use yet';

CREATE TABLE replayed_rollup_prompt AS rollup_prompt
ENGINE = ReplacingMergeTree(ver)
PARTITION BY src_partition
ORDER BY (grain, organization, bucket, prompt_id, provider, model, src_partition)
COMMENT 'Rows of rollup_prompt that a replay has built and not put in use yet';

CREATE TABLE replayed_rollup_category AS rollup_category
ENGINE = ReplacingMergeTree(ver)
PARTITION BY src_partition
ORDER BY (grain, organization, bucket, category, provider, model, src_partition)
COMMENT 'Rows of rollup_category that a replay has built and not put in use yet';

CREATE TABLE replayed_rollup_thread AS rollup_thread
ENGINE = ReplacingMergeTree(ver)
PARTITION BY src_partition
ORDER BY (grain, organization, bucket, thread_id, src_partition)
COMMENT 'Rows of rollup_thread that a replay has built and not put in use yet';
