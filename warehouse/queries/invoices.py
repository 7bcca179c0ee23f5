"""Invoices: which account and days in; reports, what they charge and what we recorded on the same days out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from warehouse.queries.query import Rows, utc


@dataclass(frozen=True, slots=True)
class StoredReport:
    """An imported report. organization: "" for all. paid_by: operator, customer or any."""

    provider: str
    account: str
    organization: str
    imported: datetime
    report_id: str
    paid_by: str
    format: str
    file: str
    content_hash: str
    days: tuple[date, ...]
    lines: int
    amount_usd: Decimal
    notes: tuple[str, ...]
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class InvoicingProviders:
    """Every name of a provider under which reports are stored."""

    @property
    def sql(self) -> str:
        """The statement."""
        return "SELECT DISTINCT toString(provider) AS name FROM provider_cost_reports ORDER BY name"

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> list[str]:
        """A name per row."""
        return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class CostReports:
    """Reports, the newest first. organization: only those of one. stored_as: other names of the provider."""

    provider: str | None = None
    account: str | None = None
    organization: str | None = None
    limit: int = 10_000
    stored_as: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The statement."""
        conditions = [] if self.provider is None else ["provider IN {providers:Array(String)}"]
        given = {name: getattr(self, name) for name in ("account", "organization")}
        conditions += [f"{name} = {{{name}:String}}" for name, value in given.items() if value is not None]
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        return f"""SELECT toString(provider), account, organization, imported, toString(report_id), toString(paid_by),
    toString(format), file, content_hash, arraySort(days), lines, amount_usd, notes, author, note
FROM provider_cost_reports FINAL {where}ORDER BY imported DESC, provider, account LIMIT {{limit:UInt64}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and limit."""
        providers = None if self.provider is None else [self.provider, *self.stored_as]
        given = {"providers": providers, "account": self.account, "organization": self.organization}
        return {"limit": self.limit, **{name: value for name, value in given.items() if value is not None}}

    def read(self, rows: Rows) -> list[StoredReport]:
        """One report per row."""
        values = (
            [*row[:3], utc(row[3]), *row[4:9], tuple(row[9]), *row[10:12], tuple(row[12]), *row[13:]] for row in rows
        )
        return [StoredReport(*each) for each in values]


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a provider and days of UTC, both included. organization: whose calls it charges, "" for all.

    stored_as: other names of the provider under which reports of the account are stored; of a day the newest of all
    of them holds.
    """

    provider: str
    account: str
    first: date
    last: date
    organization: str = ""
    stored_as: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The condition on days of reports."""
        providers = "provider IN {providers:Array(String)}"
        account = f"{providers} AND account = {{account:String}} AND organization = {{organization:String}}"
        return f"{account} AND day >= {{first:Date}} AND day <= {{last:Date}}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders in `where`."""
        days = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        providers = [self.provider, *self.stored_as]
        return {"providers": providers, "account": self.account, "organization": self.organization, **days}


@dataclass(frozen=True, slots=True)
class Charged:
    """What a provider charges on one day for one kind of usage of one model. quantity: None unless all lines say it."""

    day: date
    model: str
    item: str
    amount_usd: Decimal
    quantity: Decimal | None


@dataclass(frozen=True, slots=True)
class ChargedCosts:
    """The charges of an account, as the newest reports of each day say."""

    account: Account

    @property
    def sql(self) -> str:
        """The statement."""
        return f"""SELECT day, model, item, sum(amount_usd), if(countIf(quantity IS NULL) = 0, sum(quantity), NULL)
FROM invoiced_costs WHERE {self.account.where} AND (day, report_id) IN
(
    SELECT day, argMax(report_id, imported) FROM invoiced_days WHERE {self.account.where} GROUP BY day
)
GROUP BY day, model, item ORDER BY day, model, item"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Account and days."""
        return self.account.parameters

    def read(self, rows: Rows) -> list[Charged]:
        """One kind of usage per row."""
        return [Charged(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class InvoicedDays:
    """The days of an account that reports tell about, in order."""

    account: Account

    @property
    def sql(self) -> str:
        """The statement."""
        return f"SELECT DISTINCT day FROM invoiced_days WHERE {self.account.where} ORDER BY day"

    @property
    def parameters(self) -> Mapping[str, object]:
        """Account and days."""
        return self.account.parameters

    def read(self, rows: Rows) -> list[date]:
        """One day per row."""
        return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What we recorded on one day of UTC for one provider and model as sent.

    late: requests that reached us after the day's report had been imported. reported_difference_usd: what providers
    said on the events themselves, minus our cost of those events; only of events whose whole usage has a price.
    """

    day: date
    provider: str
    model: str
    priced_as: str
    requests: int
    tokens: int
    cost_usd: Decimal
    unpriced_requests: int
    partial_requests: int
    late_requests: int
    late_tokens: int
    late_cost_usd: Decimal
    reported_difference_usd: Decimal


@dataclass(frozen=True, slots=True)
class RecordedCosts:
    """Our figures on the days that reports tell about, for whom the account pays; of every provider that events name.

    Read from events: a day of UTC is no day of an organisation's calendar.
    """

    account: Account

    @property
    def sql(self) -> str:
        """The statement."""
        whose = "(payer = 'any' OR (payer = 'customer') = (billing_type = 'BYOK'))"
        mine = " AND organization = {organization:String}" if self.account.organization else ""
        return f"""SELECT utc_day, toString(used_provider), toString(used_model), toString(used_entry),
    count(), sum(tokens), sum(cost),
    countIf(price_status = 'unpriced'), countIf(price_status = 'partial'),
    countIf(came > told_at), sumIf(tokens, came > told_at), sumIf(cost, came > told_at),
    sumIf(assumeNotNull(told) - cost, told IS NOT NULL AND price_status IN ('priced', 'free'))
FROM
(
    SELECT toDate(time, 'UTC') AS utc_day, provider AS used_provider, model AS used_model,
        priced_as AS used_entry, total_tokens AS tokens, cost_usd AS cost, cost_status AS price_status,
        billing_type, received AS came, reported_cost_usd AS told
    FROM usage_events
    WHERE time >= toDateTime64({{first:Date}}, 3, 'UTC') AND time < toDateTime64({{last:Date}} + 1, 3, 'UTC'){mine}
) AS used
INNER JOIN
(
    SELECT day AS invoiced_day, argMax(paid_by, imported) AS payer, max(imported) AS told_at
    FROM invoiced_days WHERE {self.account.where} GROUP BY day
) AS held ON held.invoiced_day = used.utc_day
WHERE {whose}
GROUP BY utc_day, used_provider, used_model, used_entry ORDER BY utc_day, used_provider, used_model, used_entry"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Account and days."""
        return self.account.parameters

    def read(self, rows: Rows) -> list[Recorded]:
        """One model of a day per row."""
        return [Recorded(*row) for row in rows]
