-- Erasing a user or an organisation (rule E24). erased_events and erased_users say what an erasure is about while it is
-- done: statements name them, so that no text of a mutation, no log and no file keeps an id. Their partitions are dropped
-- when the erasure is complete. Sort keys: everything is asked for by erasure.
CREATE TABLE erased_events
(
    control_id UUID COMMENT 'The control record that asks for the erasure',
    organization String COMMENT 'Organisation',
    time DateTime64(3, 'UTC') COMMENT 'Time of the event',
    event_id UUID COMMENT 'Id of the event',
    src_partition UInt16 COMMENT 'Log partition of the event',
    src_offset Int64 COMMENT 'Offset of its envelope',
    src_index UInt32 COMMENT 'Position inside the envelope',
    append_time DateTime64(3, 'UTC') COMMENT 'When the log received the event',
    day Date COMMENT 'Date of the event in the organisation''s calendar',
    thread_id String COMMENT 'Thread of the event'
)
ENGINE = ReplacingMergeTree
PARTITION BY control_id
ORDER BY (organization, time, event_id)
COMMENT 'Events that are being erased';

CREATE TABLE erased_users
(
    control_id UUID COMMENT 'The control record that asks for the erasure',
    organization String COMMENT 'Organisation',
    user_id String COMMENT 'User; empty for the whole organisation',
    whole UInt8 COMMENT '1 for the whole organisation'
)
ENGINE = ReplacingMergeTree
PARTITION BY control_id
ORDER BY (organization, user_id)
COMMENT 'Who is being erased';

-- The register: by it a later sweep knows again what a frozen process may bring back. No id stays, only a keyed hash.
CREATE TABLE erasures
(
    src_partition UInt16 COMMENT 'Log partition of the control record',
    control_id UUID COMMENT 'The control record',
    src_offset Int64 COMMENT 'Its offset: what came before it is erased',
    organization String COMMENT 'Organisation',
    user_hash String COMMENT 'Keyed hash of the user (hexadecimal); empty for the whole organisation',
    key_check String COMMENT 'Tells whether a key is the one that made user_hash',
    asked DateTime64(3, 'UTC') COMMENT 'When the log received the record',
    state Enum8('erased' = 1, 'swept' = 2, 'complete' = 3) COMMENT 'swept: once more after every late write, and ids forgotten; complete: replaced files are gone too',
    certificate String COMMENT 'What was removed where, and what only time clears (JSON)',
    due DateTime64(3, 'UTC') COMMENT 'When it is swept again, or was',
    version UInt64 COMMENT 'Row version: counts the changes'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (src_partition, control_id)
COMMENT 'Register of erasures';
