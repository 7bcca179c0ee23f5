-- Days that providers' reports tell about, each with the report that holds.
CREATE OR REPLACE VIEW invoiced_days
(
    provider LowCardinality(String) COMMENT 'Provider',
    account String COMMENT 'Account at the provider; empty for the only one',
    day Date COMMENT 'Day in UTC',
    report_id UUID COMMENT 'The report that holds for the day',
    organization String COMMENT 'Organisation whose calls are charged there; empty for all',
    paid_by String COMMENT 'operator (everything but BYOK), customer (BYOK) or any',
    imported DateTime64(6, 'UTC') COMMENT 'When that report was imported'
)
AS SELECT
    provider,
    account,
    day,
    argMax(reported_as, report_imported) AS report_id,
    organization,
    argMax(toString(report_paid_by), report_imported) AS paid_by,
    max(report_imported) AS imported
FROM
(
    SELECT provider, account, arrayJoin(days) AS day, report_id AS reported_as, organization, paid_by AS report_paid_by, imported AS report_imported
    FROM provider_cost_reports FINAL
)
GROUP BY provider, account, organization, day
COMMENT 'Days of providers'' cost reports; the newest report of a day holds';

-- What providers charge, each day as its newest report says.
CREATE OR REPLACE VIEW invoiced_costs
(
    provider LowCardinality(String) COMMENT 'Provider',
    account String COMMENT 'Account at the provider; empty for the only one',
    organization String COMMENT 'Organisation whose calls are charged there; empty for all',
    paid_by String COMMENT 'operator (everything but BYOK), customer (BYOK) or any',
    day Date COMMENT 'Day in UTC',
    model String COMMENT 'Model as the provider writes it; empty when the line is about none',
    item String COMMENT 'What is charged',
    project String COMMENT 'Project or workspace at the provider',
    amount_usd Decimal(38, 18) COMMENT 'Amount (USD, exact)',
    quantity Nullable(Decimal(38, 18)) COMMENT 'How much of it, most often tokens',
    place String COMMENT 'Where it stands in the file',
    report_id UUID COMMENT 'The report',
    imported DateTime64(6, 'UTC') COMMENT 'When the report was imported'
)
AS SELECT
    line.provider AS provider,
    line.account AS account,
    held.organization AS organization,
    held.paid_by AS paid_by,
    line.day AS day,
    line.model AS model,
    line.item AS item,
    line.project AS project,
    line.amount_usd AS amount_usd,
    line.quantity AS quantity,
    line.place AS place,
    line.report_id AS report_id,
    held.imported AS imported
FROM (SELECT * FROM provider_costs FINAL) AS line
INNER JOIN invoiced_days AS held ON held.report_id = line.report_id AND held.day = line.day
COMMENT 'What providers charge, by their own reports';
