-- Names for people as they hold now, and as they held. Values that a row does not say are those said before it.
CREATE OR REPLACE VIEW directory
(
    organization String COMMENT 'Organisation',
    kind Enum8('department' = 1, 'project' = 2, 'user' = 3, 'customer' = 4, 'feature' = 5, 'prompt' = 6, 'api_key' = 7, 'organization' = 8) COMMENT 'What the entry is',
    id String COMMENT 'Id, as usage events carry it',
    display_name String COMMENT 'Name for people; the id when none was given',
    department String COMMENT 'Department a user, project or API key belongs to; empty when none is known',
    role String COMMENT 'Role of a user; empty when none is known',
    plan String COMMENT 'Plan of a customer or an organization; empty when none is known',
    state String COMMENT 'active or archived',
    since DateTime64(3, 'UTC') COMMENT 'From when the newest of these values holds; 1970 for what always held'
)
AS SELECT
    organization,
    kind,
    entity_id AS id,
    ifNull(argMax(entries.display_name, effective_from), entity_id) AS display_name,
    ifNull(argMax(entries.department, effective_from), '') AS department,
    ifNull(argMax(entries.role, effective_from), '') AS role,
    ifNull(argMax(entries.plan, effective_from), '') AS plan,
    ifNull(toString(argMax(entries.state, effective_from)), 'active') AS state,
    max(effective_from) AS since
FROM directory_entries AS entries FINAL
WHERE effective_from <= now64(3)
GROUP BY organization, kind, entity_id
COMMENT 'What is called how now';

CREATE OR REPLACE VIEW directory_history
(
    organization String COMMENT 'Organisation',
    kind Enum8('department' = 1, 'project' = 2, 'user' = 3, 'customer' = 4, 'feature' = 5, 'prompt' = 6, 'api_key' = 7, 'organization' = 8) COMMENT 'What the entry is',
    id String COMMENT 'Id, as usage events carry it',
    effective_from DateTime64(3, 'UTC') COMMENT 'From when the row holds; 1970 for what always held',
    effective_until Nullable(DateTime64(3, 'UTC')) COMMENT 'Until when it holds; null for the newest',
    display_name String COMMENT 'Name for people; the id when none was given',
    department String COMMENT 'Department a user, project or API key belonged to; empty when none is known',
    role String COMMENT 'Role of a user; empty when none is known',
    plan String COMMENT 'Plan of a customer or an organization; empty when none is known',
    state String COMMENT 'active or archived',
    author String COMMENT 'Who said it',
    source LowCardinality(String) COMMENT 'How it came: api, csv, cli or event',
    created DateTime64(6, 'UTC') COMMENT 'When it was written'
)
AS SELECT
    organization,
    kind,
    entity_id AS id,
    effective_from,
    leadInFrame(toNullable(effective_from)) OVER (PARTITION BY organization, kind, entity_id ORDER BY effective_from ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS effective_until,
    ifNull(argMax(entries.display_name, effective_from) OVER before, entity_id) AS display_name,
    ifNull(argMax(entries.department, effective_from) OVER before, '') AS department,
    ifNull(argMax(entries.role, effective_from) OVER before, '') AS role,
    ifNull(argMax(entries.plan, effective_from) OVER before, '') AS plan,
    ifNull(toString(argMax(entries.state, effective_from) OVER before), 'active') AS state,
    author,
    source,
    created
FROM directory_entries AS entries FINAL
WINDOW before AS (PARTITION BY organization, kind, entity_id ORDER BY effective_from ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
COMMENT 'What was called how, and from when until when';
