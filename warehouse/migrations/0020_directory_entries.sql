-- Names for people: what is called how, since when. Append-only: a new name is a new row, and a late one takes its place
-- in time. A row says only what it says: null leaves what held before, so that an event that arrives late never undoes what
-- a newer one said about something else. Asked for all entries of an organisation, of one kind, or for one by its id, always
-- with its whole (short) history: so the key is organisation, kind, id, time. Personal data of users stands here only.
CREATE TABLE directory_entries
(
    organization String COMMENT 'Organisation',
    kind Enum8('department' = 1, 'project' = 2, 'user' = 3, 'customer' = 4, 'feature' = 5, 'prompt' = 6, 'api_key' = 7) COMMENT 'What the entry is',
    entity_id String COMMENT 'Id, as usage events carry it',
    effective_from DateTime64(3, 'UTC') COMMENT 'From when the row holds; 1970 for what always held',
    display_name Nullable(String) COMMENT 'Name for people; null: nothing is said',
    department Nullable(String) COMMENT 'Department a user, project or API key belongs to; empty: none, null: nothing is said',
    email Nullable(String) COMMENT 'E-mail address of a user; empty: none, null: nothing is said',
    role Nullable(String) COMMENT 'Role of a user: owner, finance, department_manager or member; empty: none, null: nothing is said',
    plan Nullable(String) COMMENT 'Plan of a customer; empty: none, null: nothing is said',
    state Nullable(Enum8('active' = 1, 'archived' = 2)) COMMENT 'active or archived; null: nothing is said',
    attributes Map(String, String) COMMENT 'Anything else by name; an empty value removes it, absent names keep theirs',
    author String COMMENT 'Who said it',
    source LowCardinality(String) COMMENT 'How it came: api, csv, cli or event',
    created DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') COMMENT 'When the row was written; the row version'
)
ENGINE = ReplacingMergeTree(created)
ORDER BY (organization, kind, entity_id, effective_from)
SETTINGS index_granularity = 1024
COMMENT 'Departments, projects, users, customers, features, prompts and API keys: what was said about them, effective-dated';
