-- Days and weeks whose derived rows are not (or no longer) complete: views take those from finer rows.
CREATE OR REPLACE VIEW pending_days (src_partition UInt16 COMMENT 'Log partition', organization String COMMENT 'Organisation', date Date COMMENT 'Local day') AS
SELECT src_partition, organization, date FROM touched_periods WHERE grain = 'day'
GROUP BY src_partition, organization, date
HAVING maxIf(offset + 1, kind = 'touched') > maxIf(offset + 1, kind = 'done');

CREATE OR REPLACE VIEW pending_weeks (src_partition UInt16 COMMENT 'Log partition', organization String COMMENT 'Organisation', date Date COMMENT 'First day of the local week') AS
SELECT src_partition, organization, date FROM touched_periods WHERE grain = 'week'
GROUP BY src_partition, organization, date
HAVING maxIf(offset + 1, kind = 'touched') > maxIf(offset + 1, kind = 'done');
