"""Cost reports in the real tables, compared with recorded events: the newest report of a day holds."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.invoices.comparison import Comparison, Grouping, compared
from stream_jobs.invoices.model_names import NamesInCatalogue
from stream_jobs.pricing.seed import seed
from tests.warehouse.invoices.reports import file_of, openai_bucket, openai_page, openai_result
from tests.warehouse.recorded import Event, raw_rows
from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS
from warehouse.invoices import ledger
from warehouse.invoices.ledger import Origin, PaidBy
from warehouse.invoices.reading import read_costs
from warehouse.queries.invoices import (
    Account,
    ChargedCosts,
    CostReports,
    InvoicedDays,
    InvoicingProviders,
    RecordedCosts,
)
from warehouse.queries.query import ask

pytestmark = pytest.mark.integration
IMPORTED = datetime(2026, 4, 10, tzinfo=UTC)
"""After all events have come."""
DAYS = [date(2026, 3, 26) + timedelta(days=number) for number in range(8)]


def mine(recorded: list[Event], day: date, billing: str = "SYSTEM", organization: str = "") -> list[Event]:
    return [
        event
        for event in recorded
        if event["time"].date() == day
        and (event["provider"], event["model"], event["billing_type"]) == ("openai", "gpt-4o", billing)
        and organization in ("", event["organization"])
    ]


def usd(events: list[Event]) -> Decimal:
    return Decimal(sum(event["cost_nano_usd"] for event in events)) / 10**9


def imported(
    client: Client,
    amounts: dict[date, str],
    now: datetime = IMPORTED,
    organization: str = "",
    paid_by: PaidBy = PaidBy.operator,
) -> bool:
    buckets = [openai_bucket(day, openai_result(amount, "gpt-4o-2024-08-06, input")) for day, amount in amounts.items()]
    data = file_of(openai_page(*buckets))
    return ledger.store(client, read_costs(data), data, Origin("", organization, paid_by, "f.json", "ada", "why"), now)


def comparison(client: Client, organization: str = "") -> Comparison:
    which = Account("openai", "", DAYS[0], DAYS[-1], organization)
    days, names = ask(client, InvoicedDays(which)), ask(client, NamesInCatalogue())
    return compared("openai", days, ask(client, ChargedCosts(which)), ask(client, RecordedCosts(which)), names)


def test_an_invoice_that_says_what_we_recorded(changeable: Client, recorded: list[Event]) -> None:
    seed(changeable, IMPORTED)
    assert imported(changeable, {day: str(usd(mine(recorded, day))) for day in DAYS})
    found = comparison(changeable)
    lines = {line.day: line for line in found.by(Grouping.DAY_AND_MODEL) if line.model == "gpt-4o"}
    assert {day: line.ours.cost_usd for day, line in lines.items()} == {day: usd(mine(recorded, day)) for day in DAYS}
    assert {line.difference_usd for line in lines.values()} == {Decimal(0)}
    assert sum(line.ours.requests for line in lines.values()) == sum(len(mine(recorded, day)) for day in DAYS)
    unnamed = [line for line in found.lines if line.model != "gpt-4o"]
    assert all(line.invoiced.amount_usd == 0 for line in unnamed), "other models of openai are ours alone"


def test_only_days_of_reports_are_compared_and_the_newest_report_of_a_day_holds(
    changeable: Client, recorded: list[Event]
) -> None:
    seed(changeable, IMPORTED)
    first, second, third = DAYS[1:4]
    assert imported(changeable, {first: "1", second: "2"})
    assert not imported(changeable, {first: "1", second: "2"}, IMPORTED + timedelta(hours=1)), "it holds already"
    assert imported(changeable, {second: "3", third: "4"}, IMPORTED + timedelta(days=1))
    found = comparison(changeable)
    assert found.days == (first, second, third)
    assert {line.day: line.invoiced.amount_usd for line in found.by(Grouping.DAY)} == {first: 1, second: 3, third: 4}
    reports = ask(changeable, CostReports("openai"))
    assert [(list(each.days), int(each.amount_usd)) for each in reports] == [([second, third], 7), ([first, second], 3)]
    assert imported(changeable, {first: "1", second: "2"}, IMPORTED + timedelta(days=2)), "the older one again"
    assert comparison(changeable).by(Grouping.DAY)[1].invoiced.amount_usd == 2
    names = "SELECT day, sum(amount_usd) FROM invoiced_costs GROUP BY day ORDER BY day"
    assert changeable.query(names).result_rows == [(first, 1), (second, 2), (third, 4)]


def test_who_pays_and_for_whom(changeable: Client, recorded: list[Event]) -> None:
    seed(changeable, IMPORTED)
    day = max(DAYS, key=lambda day: len(mine(recorded, day, "BYOK", "acme")))
    imported(changeable, {day: "9"}, organization="acme", paid_by=PaidBy.customer)
    imported(changeable, {day: "5"}, paid_by=PaidBy.any)

    def cost(organization: str) -> Decimal:
        (line,) = [line for line in comparison(changeable, organization).lines if line.model == "gpt-4o"]
        assert line.invoiced.amount_usd == (9 if organization else 5)
        return line.ours.cost_usd

    assert cost("acme") == usd(mine(recorded, day, "BYOK", "acme")) > 0
    assert cost("") == usd(mine(recorded, day)) + usd(mine(recorded, day, "BYOK"))


def test_causes_come_from_the_events(changeable: Client, recorded: list[Event]) -> None:
    seed(changeable, IMPORTED)
    day = max(DAYS, key=lambda day: len(mine(recorded, day)))
    events = mine(recorded, day)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    imported(changeable, {day: str(usd(events) + 1)}, now=noon)
    (line,) = [line for line in comparison(changeable).lines if line.model == "gpt-4o"]
    late = [event for event in events if event["append_time"] > noon]
    statuses = [event["cost_status"] for event in events]
    assert (line.ours.late_requests, line.ours.late_cost_usd) == (len(late), usd(late))
    assert line.ours.late_tokens == sum(event[bucket] for event in late for bucket in (*INPUT_BUCKETS, *OUTPUT_BUCKETS))
    assert 0 < line.ours.late_tokens < line.ours.tokens
    assert (line.ours.unpriced_requests, line.ours.partial_requests) == (
        statuses.count("unpriced"),
        statuses.count("partial"),
    )
    assert line.explanation.unpriced_usd == 1


def test_a_reported_cost_of_a_partly_priced_event_is_no_other_price(changeable: Client, recorded: list[Event]) -> None:
    seed(changeable, IMPORTED)
    time = datetime(2026, 3, 20, 12, tzinfo=UTC)
    said = {"provider": "openai", "model": "gpt-4o", "billing_type": "SYSTEM", "time": time, "append_time": time}
    money = {"cost_nano_usd": 10**9, "reported_cost_nano_usd": 3 * 10**9}
    event = recorded[0] | said | money
    imported(changeable, {time.date(): "3"})

    def causes(status: str) -> tuple[Decimal, Decimal]:
        raw_rows([event | {"cost_status": status, "event_id": uuid4()}]).insert(changeable)
        which = Account("openai", "", time.date(), time.date())
        recorded_, names = ask(changeable, RecordedCosts(which)), ask(changeable, NamesInCatalogue())
        (line,) = compared("openai", [time.date()], ask(changeable, ChargedCosts(which)), recorded_, names).lines
        return line.explanation.partial_usd, line.explanation.other_price_usd

    assert causes("partial") == (Decimal(2), Decimal(0))
    assert causes("priced") == (Decimal(0), Decimal(1)), "two events: 1 USD is left, the priced one was reported dearer"


def test_reports_under_several_names_of_a_provider_are_one_account(changeable: Client, recorded: list[Event]) -> None:
    seed(changeable, IMPORTED)
    first, second, third = DAYS[1:4]

    def stored(provider: str, amounts: dict[date, str], hours: int, also: tuple[str, ...] = ()) -> bool:
        lines = "".join(f"{day},{amount},claude-sonnet-4-5\n" for day, amount in amounts.items())
        data = f"day,amount_usd,model\n{lines}".encode()
        origin = Origin("", "", PaidBy.operator, "f.csv", "ada", "why", also)
        return ledger.store(
            changeable, read_costs(data, "csv", provider), data, origin, IMPORTED + timedelta(hours=hours)
        )

    assert stored("bedrock", {first: "1", second: "2"}, 0), "before names were resolved"
    assert stored("aws", {second: "3", third: "4"}, 1)
    names, known = ask(changeable, NamesInCatalogue()), ask(changeable, InvoicingProviders())
    assert known == ["aws", "bedrock"]
    also = names.alike("amazon-bedrock", known)
    assert not stored("aws", {second: "3", third: "4"}, 2, also)
    which = Account(names.provider("bedrock"), "", DAYS[0], DAYS[-1], stored_as=also)
    charged, ours = ask(changeable, ChargedCosts(which)), ask(changeable, RecordedCosts(which))
    assert ask(changeable, InvoicedDays(which)) == [first, second, third]
    assert {each.day: int(each.amount_usd) for each in charged} == {first: 1, second: 3, third: 4}
    held = [event for event in recorded if event["time"].date() in (first, second, third)]
    assert sum(each.requests for each in ours) == sum(event["billing_type"] != "BYOK" for event in held)
    assert len(ask(changeable, CostReports(which.provider, stored_as=also))) == 2
