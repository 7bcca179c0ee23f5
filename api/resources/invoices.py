"""GET and POST /v1/invoices: what providers charge by their own reports, and how it differs from our figures."""

import asyncio
from dataclasses import asdict, replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.converted import Currency, no_rate
from api.documentation import documented
from api.errors import InvalidParameter, NotFound
from api.fields import AnswerModel, Instant, Money, SignedExact
from api.parameters import Day, Name, Text
from api.scope import AtDesk
from api.warehouse import Warehouse
from api.writing_desk import AtAdministratorsDesk
from stream_jobs.invoices.comparison import ComparedLine, Comparison, Grouping, compared
from stream_jobs.invoices.model_names import NamesInCatalogue
from warehouse.errors import CostReportRefused, MissingExchangeRate
from warehouse.invoices import ledger
from warehouse.invoices.ledger import Origin, PaidBy
from warehouse.invoices.reading import FORMATS, read_costs
from warehouse.queries.exchange_rates import RatesInForce
from warehouse.queries.invoices import (
    Account,
    ChargedCosts,
    CostReports,
    InvoicedDays,
    InvoicingProviders,
    RecordedCosts,
    StoredReport,
)

router = APIRouter(tags=["money"])
DAYS_MAX = 366


class ReportsParameters(BaseModel):
    """Which reports."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Text | None = Field(None, description="Only of this provider", examples=["openai"])
    limit: int = Field(100, ge=1, le=1000, description="Reports in the answer, the newest first", examples=[20])


class ReportAnswer(AnswerModel):
    """One imported report."""

    report_id: str = Field(description="Identity of the report", examples=["5b6c1a1e-7d1e-4a55-9f0f-2f6f0e2d8a11"])
    provider: str = Field(description="Provider", examples=["openai"])
    account: str = Field(description="Account at the provider; empty for the only one", examples=["production"])
    organization: str = Field(description="Organisation whose calls are charged there; empty: all", examples=[""])
    paid_by: str = Field(description="operator (everything but BYOK), customer (BYOK) or any", examples=["operator"])
    imported: Instant = Field(description="When it was imported", examples=["2026-04-02T08:00:00.000Z"])
    format: str = Field(description="openai, anthropic or csv", examples=["openai"])
    file: str = Field(description="Name of the file", examples=["costs-2026-03.json"])
    first_day: date = Field(description="First day (UTC) that it tells about", examples=["2026-03-01"])
    last_day: date = Field(description="Last day (UTC) that it tells about", examples=["2026-03-31"])
    days: int = Field(description="Number of days that it tells about", examples=[31])
    lines: int = Field(description="Number of its lines", examples=[310])
    amount_usd: SignedExact = Field(description="Sum of its lines (USD, exact)", examples=["1204.118230000"])
    notes: list[str] = Field(description="What its reader should know", examples=[[]])
    author: str = Field(description="Who imported it", examples=["ada"])
    note: str = Field(description="Why", examples=["March"])


class ReportsAnswer(AnswerModel):
    """Imported reports."""

    reports: list[ReportAnswer] = Field(description="The newest first")


class ImportParameters(BaseModel):
    """Whose report the body is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Text = Field("", description="Whose invoice it is; a CSV does not say it", examples=["mistral"])
    account: Text = Field("", description="Account at the provider, when there are several", examples=["production"])
    organization: Name | None = Field(
        None, description="Only this organisation's calls are charged there; left out: all", examples=["acme"]
    )
    paid_by: PaidBy = Field(
        PaidBy.operator,
        description="operator: everything but BYOK is charged there; customer: only BYOK",
        examples=["operator"],
    )
    format: Text | None = Field(
        None, description=f"One of {', '.join(FORMATS)}; found out when absent", examples=["csv"]
    )
    file: Text = Field("", description="Name of the file", examples=["costs-2026-03.json"])
    note: Text = Field("", description="Why; kept with the report", examples=["March"])


class ImportedAnswer(AnswerModel):
    """What was imported."""

    provider: str = Field(description="Provider", examples=["openai"])
    stored: bool = Field(description="False when its days hold just so already", examples=[True])
    days: int = Field(description="Days that it tells about", examples=[31])
    lines: int = Field(description="Its lines", examples=[310])
    amount_usd: SignedExact = Field(description="Sum of its lines (USD, exact)", examples=["1204.11823"])
    notes: list[str] = Field(description="What its reader should know", examples=[[]])


class ComparisonParameters(BaseModel):
    """Which invoice and which days."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    provider: Name = Field(description="Whose invoice", examples=["openai"])
    account: Text = Field("", description="Account at the provider, when there are several", examples=["production"])
    first: Day = Field(alias="from", description="First day of UTC, included", examples=["2026-03-01"])
    last: Day = Field(alias="to", description="Last day of UTC, included", examples=["2026-03-31"])
    organization: Name | None = Field(
        None,
        description="The account that charges this organisation's calls only; left out: the one that charges all",
        examples=["acme"],
    )
    by: Grouping = Field(Grouping.DAY_AND_MODEL, description="What a line stands for", examples=["model"])
    currency: Currency = None


class ComparedAnswer(AnswerModel):
    """An invoice and our figures. The parts of the difference sum to it."""

    invoiced_usd: SignedExact = Field(description="What the provider charges", examples=["12.5"])
    ours_usd: SignedExact = Field(description="What we recorded as cost", examples=["12.1"])
    difference_usd: SignedExact = Field(description="Invoice minus ours", examples=["0.4"])
    unpriced_usd: SignedExact = Field(description="Left to events without a price", examples=["0.4"])
    partial_usd: SignedExact = Field(
        description="Left to events with a price for a part of their usage", examples=["0"]
    )
    late_usd: SignedExact = Field(
        description="What we have beyond the invoice and that reached us after it was imported", examples=["0"]
    )
    other_price_usd: SignedExact = Field(
        description="Another price: by the provider's own cost on the events, or by an invoice of just our tokens, "
        "with or without those that came late",
        examples=["0"],
    )
    rest_usd: SignedExact = Field(description="Everything else", examples=["0"])
    price_or_calls_usd: SignedExact = Field(
        description="Part of rest_usd where the invoice counts no tokens and everything of ours has a price and came "
        "in time: another price, or calls that only one side has",
        examples=["0"],
    )
    requests: int = Field(description="Requests we recorded", examples=[1204])
    unpriced_requests: int = Field(description="Those without a price", examples=[12])
    partial_requests: int = Field(description="Those with a price for a part of their usage", examples=[0])
    late_requests: int = Field(description="Those that reached us after the report was imported", examples=[0])
    tokens: int = Field(description="Tokens we recorded", examples=[2376967])
    invoiced_tokens: SignedExact | None = Field(
        description="Tokens that the invoice counts; null unless each of its lines says so", examples=["2400000"]
    )
    converted_invoiced: Money | None = Field(description="Invoice in the currency asked for", examples=["11.500000000"])
    converted_ours: Money | None = Field(description="Our cost in the currency asked for", examples=["11.130000000"])


class ComparedLineAnswer(ComparedAnswer):
    """Both sides of a day, a model, or both."""

    day: date | None = Field(description="Day of UTC; null: all of them", examples=["2026-03-14"])
    model: str | None = Field(
        description="Model in the catalogue; empty: charges that name none; null: all of them", examples=["gpt-4o"]
    )
    items: list[str] = Field(
        description="What the invoice charges for, on a line of a day and model", examples=[["input"]]
    )


class ComparisonAnswer(AnswerModel):
    """An invoice against our figures."""

    provider: str = Field(description="Provider", examples=["openai"])
    account: str = Field(description="Account at the provider", examples=["production"])
    currency: str | None = Field(description="Currency of the converted amounts", examples=["EUR"])
    compared_days: int = Field(
        description="Days of the range that reports tell about; only they are compared", examples=[31]
    )
    by: Grouping = Field(description="What a line stands for", examples=["model"])
    whole: ComparedAnswer = Field(description="All of it: exactly the sum of the lines")
    lines: list[ComparedLineAnswer] = Field(description="By day and model")


@router.get("/v1/invoices", **documented(ReportsAnswer, refusals=(401, 403, 422, 503)))
async def invoices(parameters: Annotated[ReportsParameters, Query()], desk: AtDesk) -> ReportsAnswer:
    """Imported cost reports. A key of one organisation sees those of its own accounts."""
    question = CostReports(None, None, desk.reader.organization, parameters.limit)
    if parameters.provider is not None:
        provider, stored_as = await _names_of(desk.warehouse, parameters.provider)
        question = replace(question, provider=provider, stored_as=stored_as)
    return ReportsAnswer(reports=[_report(each) for each in await desk.warehouse.ask(question)])


@router.post("/v1/invoices", **documented(ImportedAnswer, refusals=(401, 403, 413, 422, 503)))
async def import_invoice(
    request: Request, parameters: Annotated[ImportParameters, Query()], desk: AtAdministratorsDesk
) -> ImportedAnswer:
    """Imports the report in the body (JSON of OpenAI or Anthropic, or CSV): all of it, or nothing."""
    organization, data = desk.writer.about(parameters.organization) or "", await request.body()
    try:
        report = read_costs(data, parameters.format, parameters.provider)
    except CostReportRefused as refusal:
        raise InvalidParameter(f"nothing was written: {refusal}", code="invalid_report") from None
    provider, stored_as = await _names_of(desk.warehouse, report.provider)
    report = replace(report, provider=provider)
    named, author = parameters.file or "request", desk.writer.author
    origin = Origin(parameters.account, organization, parameters.paid_by, named, author, parameters.note, stored_as)
    stored = await desk.accounts.write(lambda client: ledger.store(client, report, data, origin, desk.clock()))
    return ImportedAnswer(
        provider=report.provider,
        stored=stored,
        days=len(report.days),
        lines=len(report.lines),
        amount_usd=report.amount_usd,
        notes=list(report.notes),
    )


@router.get("/v1/invoices/comparison", **documented(ComparisonAnswer))
async def comparison(parameters: Annotated[ComparisonParameters, Query()], desk: AtDesk) -> ComparisonAnswer:
    """An invoice against our figures by day and model, and what explains the difference."""
    if parameters.first > parameters.last:
        raise InvalidParameter(f"from {parameters.first} is after to {parameters.last}; swap them")
    if (parameters.last - parameters.first).days >= DAYS_MAX:
        raise InvalidParameter(f"at most {DAYS_MAX} days are compared at once; ask for fewer")
    organization = desk.reader.choose(parameters.organization) or ""
    names, stored = await asyncio.gather(
        desk.warehouse.ask(NamesInCatalogue()), desk.warehouse.ask(InvoicingProviders())
    )
    provider, stored_as = names.provider(parameters.provider), names.alike(parameters.provider, stored)
    which = Account(provider, parameters.account, parameters.first, parameters.last, organization, stored_as)
    days = await desk.warehouse.ask(InvoicedDays(which))
    if not days:
        raise NotFound("no report tells about these days; /v1/invoices lists those there are", code="no_report")
    charged, recorded = await asyncio.gather(
        desk.warehouse.ask(ChargedCosts(which)), desk.warehouse.ask(RecordedCosts(which))
    )
    rates = None if parameters.currency is None else await desk.warehouse.ask(RatesInForce(parameters.currency))
    try:
        found = compared(provider, days, charged, recorded, names, rates)
    except MissingExchangeRate as gap:
        raise no_rate(gap) from None
    return comparison_answer(which, found, parameters.by, parameters.currency)


async def _names_of(warehouse: Warehouse, provider: str) -> tuple[str, tuple[str, ...]]:
    """The provider that is meant, and the names under which reports of it are stored."""
    names, stored = await asyncio.gather(warehouse.ask(NamesInCatalogue()), warehouse.ask(InvoicingProviders()))
    return names.provider(provider), names.alike(provider, stored)


def comparison_answer(which: Account, found: Comparison, by: Grouping, currency: str | None) -> ComparisonAnswer:
    """A comparison as JSON; the command line writes the same."""
    return ComparisonAnswer(
        provider=which.provider,
        account=which.account,
        currency=currency,
        compared_days=len(found.days),
        by=by,
        whole=ComparedAnswer.model_validate(_values(found.whole)),
        lines=[
            ComparedLineAnswer.model_validate(
                {**_values(line), "day": line.day, "model": line.model, "items": list(line.invoiced.items)}
            )
            for line in found.by(by)
        ],
    )


def _values(line: ComparedLine) -> dict[str, object]:
    why, ours, shown = line.explanation, line.ours, line.in_currency
    return {
        "invoiced_usd": line.invoiced.amount_usd,
        "ours_usd": ours.cost_usd,
        "difference_usd": line.difference_usd,
        **asdict(why),
        **{
            name: getattr(ours, name) for name in ("requests", "unpriced_requests", "partial_requests", "late_requests")
        },
        "tokens": ours.tokens,
        "invoiced_tokens": line.invoiced.tokens,
        "converted_invoiced": shown.invoiced if shown else None,
        "converted_ours": shown.ours if shown else None,
    }


def _report(stored: StoredReport) -> ReportAnswer:
    values = {name: getattr(stored, name) for name in ReportAnswer.model_fields if hasattr(stored, name)}
    span = {"first_day": stored.days[0], "last_day": stored.days[-1], "days": len(stored.days)}
    return ReportAnswer.model_validate({**values, **span, "notes": list(stored.notes)})
