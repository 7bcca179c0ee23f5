-- Organisations and their calendars. Append-only and effective-dated: a zone change is a new row, never an update.
CREATE TABLE organizations
(
    organization String COMMENT 'Organisation',
    effective_from DateTime('UTC') COMMENT 'From when the row holds; 1970 for the first',
    time_zone LowCardinality(String) COMMENT 'IANA time zone',
    week_start UInt8 COMMENT 'First day of the week, 1 = Monday to 7 = Sunday',
    display_name String COMMENT 'Name for people',
    registered UInt8 COMMENT '0 when it was created on sight by an event',
    author String COMMENT 'Who wrote the row',
    created DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was written; the row version'
)
ENGINE = ReplacingMergeTree(created)
ORDER BY (organization, effective_from)
COMMENT 'Organisations and the calendar they count in';

CREATE TABLE calendar
(
    time_zone LowCardinality(String) COMMENT 'IANA time zone',
    grain Enum8('hour' = 2, 'day' = 3, 'week' = 4) COMMENT 'Size of the period',
    week_start UInt8 COMMENT 'First day of the week for weeks, 0 otherwise',
    start DateTime('UTC') COMMENT 'First instant',
    end DateTime('UTC') COMMENT 'First instant after it',
    date Date COMMENT 'Local date on which it starts'
)
ENGINE = ReplacingMergeTree
ORDER BY (time_zone, grain, week_start, start)
COMMENT 'Local hours, days and weeks of each time zone as instants, generated from one tzdata';
