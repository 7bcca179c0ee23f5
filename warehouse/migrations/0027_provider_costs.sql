-- What providers say that they charge: a series of its own beside our figures, never mixed with them. Append-only: a day that is
-- imported again holds as the newest report says, older ones stay. The row of a report is written after its lines, so a
-- report exists whole or not at all. Asked for the days of one account; sort keys follow that.
CREATE TABLE provider_cost_reports
(
    provider LowCardinality(String) COMMENT 'Provider in the catalogue, for example openai',
    account String COMMENT 'Account at the provider, as the operator calls it; empty for the only one',
    organization String COMMENT 'Organisation whose calls are charged there; empty for all',
    imported DateTime64(6, 'UTC') COMMENT 'When it was imported; of two reports of one account that have a day the later holds',
    report_id UUID COMMENT 'Identity of the report',
    paid_by Enum8('operator' = 1, 'customer' = 2, 'any' = 3) COMMENT 'Whose keys: operator is everything but BYOK, customer is BYOK',
    format LowCardinality(String) COMMENT 'Format of the file: openai, anthropic or csv',
    file String COMMENT 'Name of the file',
    content_hash String COMMENT 'SHA-256 of the file',
    days Array(Date) COMMENT 'Days (UTC) that it tells about, also those without costs',
    lines UInt32 COMMENT 'Number of its lines',
    amount_usd Decimal(38, 18) COMMENT 'Sum of its lines (USD, exact)',
    notes Array(String) COMMENT 'What its reader should know',
    author String COMMENT 'Who imported it',
    note String COMMENT 'Why'
)
ENGINE = ReplacingMergeTree
ORDER BY (provider, account, organization, imported, report_id)
COMMENT 'Imported cost reports and invoices of providers';

CREATE TABLE provider_costs
(
    provider LowCardinality(String) COMMENT 'Provider in the catalogue',
    account String COMMENT 'Account at the provider',
    organization String COMMENT 'Organisation whose calls are charged there; empty for all',
    day Date COMMENT 'Day in UTC',
    report_id UUID COMMENT 'The report',
    position UInt32 COMMENT 'Number of the line in the report',
    model String COMMENT 'Model as the provider writes it; empty when the line is about none',
    item String COMMENT 'What is charged, for example output',
    project String COMMENT 'Project or workspace at the provider; empty when not told',
    amount_usd Decimal(38, 18) COMMENT 'Amount (USD, exact); negative for what is given back',
    quantity Nullable(Decimal(38, 18)) COMMENT 'How much of it, most often tokens; null when not told',
    place String COMMENT 'Where it stands in the file',
    imported DateTime64(6, 'UTC') COMMENT 'When it was imported'
)
ENGINE = ReplacingMergeTree
ORDER BY (provider, account, organization, day, report_id, position)
COMMENT 'Lines of cost reports and invoices of providers';
