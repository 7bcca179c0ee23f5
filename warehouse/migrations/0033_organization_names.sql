-- Names and plans of organisations become statements of the directory, from their own time on like all others. The name that
-- an organisation has so far is what it was always called: nobody noted since when. It takes the version of its row, so that
-- applying this twice changes nothing. The key stays: one more kind, with the organisation as its id.
ALTER TABLE directory_entries
    MODIFY COLUMN kind Enum8('department' = 1, 'project' = 2, 'user' = 3, 'customer' = 4, 'feature' = 5, 'prompt' = 6, 'api_key' = 7, 'organization' = 8) COMMENT 'What the entry is; an organization has itself as its id',
    COMMENT COLUMN plan 'Plan of a customer or an organization; empty: none, null: nothing is said';

ALTER TABLE organizations
    COMMENT COLUMN display_name 'Name as earlier versions wrote it; names are in directory_entries';

INSERT INTO directory_entries (organization, kind, entity_id, effective_from, display_name, author, source, created)
SELECT
    organization,
    'organization',
    organization,
    toDateTime64(0, 3, 'UTC'),
    argMaxIf(rows.display_name, (rows.created, rows.effective_from), rows.display_name != '') AS name,
    argMaxIf(rows.author, (rows.created, rows.effective_from), rows.display_name != ''),
    'cli',
    toDateTime64(max(rows.created), 6, 'UTC')
FROM organizations AS rows FINAL
GROUP BY organization
HAVING max(registered) = 1 AND name NOT IN ('', organization);
