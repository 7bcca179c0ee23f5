-- Control records: what was asked, where it was written to the log, and what the partitions made of it.
-- control_records and control_publications are an outbox: a record is stored before it is published, and whoever finds
-- partitions without a publication publishes it to them again. Sort key: one record is asked for.
CREATE TABLE control_records
(
    control_id UUID COMMENT 'Identity of the request: the same one again changes nothing',
    kind LowCardinality(String) COMMENT 'config, repair, replay, amend, void, replace, reprice or erase',
    organization String COMMENT 'Organisation it is about; empty for all',
    body String COMMENT 'What is asked (JSON); emptied when it named what was erased',
    author String COMMENT 'Who asked',
    note String COMMENT 'Why',
    created DateTime64(3, 'UTC') COMMENT 'When it was asked',
    partitions Array(UInt16) COMMENT 'Log partitions it goes to (1024 x topic generation + Kafka partition)'
)
ENGINE = ReplacingMergeTree
ORDER BY control_id
COMMENT 'What was asked of the log: configuration, corrections and jobs';

CREATE TABLE control_publications
(
    control_id UUID COMMENT 'The control record',
    src_partition UInt16 COMMENT 'Log partition (1024 x topic generation + Kafka partition)',
    src_offset Int64 COMMENT 'Offset that Kafka acknowledged',
    published DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was acknowledged; the row version'
)
ENGINE = ReplacingMergeTree(published)
ORDER BY (control_id, src_partition)
COMMENT 'Where control records stand in the log';

-- Written by the partitions' owners before progress. Asked for single ids, to know repeats.
CREATE TABLE control_log
(
    src_partition UInt16 COMMENT 'Log partition (1024 x topic generation + Kafka partition)',
    control_id UUID COMMENT 'The control record',
    src_offset Int64 COMMENT 'Offset of the record',
    kind LowCardinality(String) COMMENT 'Kind of the record',
    organization String COMMENT 'Organisation it is about; empty for all',
    outcome Enum8('applied' = 1, 'repeated' = 2, 'refused' = 3) COMMENT 'repeated: it had been applied at a lower offset',
    reason String COMMENT 'Why it was refused',
    append_time DateTime64(3, 'UTC') COMMENT 'When the log received it'
)
ENGINE = ReplacingMergeTree
ORDER BY (src_partition, control_id, src_offset)
COMMENT 'What became of each control record in each log partition';

-- Long work that a record asked for; its slices are rows of repairs. The owner of the partition does it.
CREATE TABLE jobs
(
    src_partition UInt16 COMMENT 'Log partition (1024 x topic generation + Kafka partition)',
    control_id UUID COMMENT 'The control record that asks for it',
    src_offset Int64 COMMENT 'Its offset: the job is about events up to there',
    kind LowCardinality(String) COMMENT 'Kind of the record',
    organization String COMMENT 'Organisation; empty for all',
    body String COMMENT 'What is asked (JSON)',
    prices UInt32 COMMENT 'Price revision in force at the record',
    multipliers UInt32 COMMENT 'Revision of the multipliers in force at the record',
    state Enum8('asked' = 1, 'planned' = 2, 'done' = 3, 'failed' = 4, 'cancelled' = 5) COMMENT 'planned: its slices are known',
    slices UInt32 COMMENT 'How many slices it has, once planned',
    message String COMMENT 'What went wrong when it failed',
    asked DateTime64(3, 'UTC') COMMENT 'When the log received the record',
    changed DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was written (for people only)',
    version UInt8 COMMENT 'Row version: the number of the state'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (src_partition, control_id)
COMMENT 'Jobs of the log partitions';

CREATE TABLE job_orders
(
    control_id UUID COMMENT 'The job, by its control record',
    wanted Enum8('run' = 1, 'pause' = 2, 'cancel' = 3) COMMENT 'What people want of it; cancel is for good',
    author String COMMENT 'Who',
    given DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When'
)
ENGINE = MergeTree
ORDER BY (control_id, given)
COMMENT 'Jobs that are paused, resumed or cancelled';

ALTER TABLE repairs
    ADD COLUMN home Int32 DEFAULT -1 COMMENT 'Log partition of the job that the slice belongs to; -1 without a job' AFTER day,
    ADD COLUMN events UInt64 DEFAULT 0 COMMENT 'Raw events that the slice rewrote' AFTER cut,
    MODIFY COLUMN state Enum8('asked' = 1, 'running' = 2, 'done' = 3, 'failed' = 4, 'cancelled' = 5) COMMENT 'running: rows of the epoch may exist already';

-- Every version of an event that a control record replaced; nothing is overwritten without a trace.
-- Sort key: people ask what became of an event.
CREATE TABLE corrections
(
    organization LowCardinality(String) COMMENT 'Organisation',
    time DateTime64(3, 'UTC') CODEC(Delta, LZ4) COMMENT 'Time of the event',
    event_id UUID COMMENT 'Id of the event',
    control_offset UInt64 COMMENT 'Version that replaced this one: topic generation x 2^48 + offset of the record + 1',
    control_id UUID COMMENT 'The control record that replaced it',
    kind LowCardinality(String) COMMENT 'Kind of the record',
    src_partition UInt16 COMMENT 'Log partition of the event',
    day Date COMMENT 'Date of the event in the organisation''s calendar',
    former_control_offset UInt64 COMMENT 'Version of the event that was replaced; 0 as it was sent',
    user_id String COMMENT 'User before',
    customer_id String COMMENT 'Customer before',
    department LowCardinality(String) COMMENT 'Department before',
    project LowCardinality(String) COMMENT 'Project before',
    feature LowCardinality(String) COMMENT 'Feature before',
    prompt_id String COMMENT 'Prompt before',
    thread_id String COMMENT 'Thread before',
    provider LowCardinality(String) COMMENT 'Provider before',
    model LowCardinality(String) COMMENT 'Model before',
    billing_type LowCardinality(String) COMMENT 'Billing type before',
    status LowCardinality(String) COMMENT 'Status before',
    category LowCardinality(String) COMMENT 'Category before',
    rating Nullable(Int8) COMMENT 'Rating before',
    input_tokens UInt64 COMMENT 'All input tokens before',
    output_tokens UInt64 COMMENT 'All output tokens before',
    cost_nano_usd Int64 COMMENT 'Cost before (nano-USD)',
    billed_nano_usd Int64 COMMENT 'Billed before (nano-USD)',
    credits_micro Int64 COMMENT 'Credits before (millionths)',
    cost_status LowCardinality(String) COMMENT 'Cost status before',
    price_revision UInt32 COMMENT 'Price revision before',
    changed DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was replaced'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (organization, time, event_id, control_offset)
COMMENT 'What events were before they were amended, voided, replaced or repriced';

-- Amend, void and replace may name events that have not come yet: they wait here, and meet the event at its birth.
CREATE TABLE awaited_events
(
    src_partition UInt16 COMMENT 'Log partition (1024 x topic generation + Kafka partition)',
    src_offset Int64 COMMENT 'Offset of the control record',
    organization LowCardinality(String) COMMENT 'Organisation',
    time DateTime64(3, 'UTC') COMMENT 'Time of the event',
    event_id UUID COMMENT 'Id of the event',
    control_id UUID COMMENT 'The control record',
    kind LowCardinality(String) COMMENT 'Kind of the record',
    change String COMMENT 'What it sets (JSON)',
    met Int64 DEFAULT -1 COMMENT 'Offset at which the event came; -2 when it had come before; -1 while it is awaited',
    version UInt8 DEFAULT 0 COMMENT 'Row version: 1 when it was met'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (src_partition, organization, time, event_id, src_offset)
COMMENT 'Events that corrections are about and that may still come';

ALTER TABLE revision_switches ADD COLUMN organization String DEFAULT '' COMMENT 'Organisation the revision is for; empty for all';

ALTER TABLE revision_switches COMMENT COLUMN kind 'prices, multipliers or calendar';

ALTER TABLE config_revisions
    ADD COLUMN organization String COMMENT 'Organisation the revision is for; empty for all',
    ADD COLUMN content String DEFAULT '' COMMENT 'What it says (JSON), when it has no table of its own',
    MODIFY ORDER BY (kind, revision, organization);

ALTER TABLE config_revisions COMMENT COLUMN kind 'prices, multipliers or calendar';

-- What jobs leave beside the stream while they work; emptied by them. Sort key: a job asks for its own rows.
CREATE TABLE repriced_events
(
    src_partition UInt16 COMMENT 'Log partition of the event',
    control_id UUID COMMENT 'The control record',
    organization LowCardinality(String) COMMENT 'Organisation',
    time DateTime64(3, 'UTC') COMMENT 'Time of the event',
    event_id UUID COMMENT 'Id of the event',
    cost_nano_usd Int64 COMMENT 'New cost (nano-USD)',
    billed_nano_usd Int64 COMMENT 'New billed amount (nano-USD)',
    credits_micro Int64 COMMENT 'New credits (millionths)',
    cost_status LowCardinality(String) COMMENT 'New cost status',
    price_revision UInt32 COMMENT 'Revision of the new price',
    priced_as LowCardinality(String) COMMENT 'Catalogue entry that matched'
)
ENGINE = ReplacingMergeTree
PARTITION BY src_partition
ORDER BY (src_partition, control_id, organization, time, event_id)
COMMENT 'New prices of events, between their computation and the rows that carry them';
