"""Exchange rates in the real table, and money converted by the engine: equal to plain Python, day by day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.engine import Engine
from tests.warehouse.recorded import Event, store
from warehouse.currency import ledger
from warehouse.currency.exchange_rate import ExchangeRate, stated
from warehouse.queries.breakdown import Breakdown
from warehouse.queries.converted import Converted, ConvertedParts
from warehouse.queries.exchange_rates import RatesInForce, SaidRates
from warehouse.queries.query import ask
from warehouse.queries.selection import Selection
from warehouse.queries.timeline import Granularity, Timeline

pytestmark = pytest.mark.integration
NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
RATES = {"2026-03-20": "0.91", "2026-03-28": "0.93", "2026-04-01": "0.955555555555555555"}
"""The first before all usage, the others in the middle of it."""


@pytest.fixture(scope="module")
def client(engine: Engine, recorded: list[Event]) -> Iterator[Client]:
    with engine.database() as (client, _):
        store(client, recorded)
        said = [stated("EUR", date.fromisoformat(day), units) for day, units in RATES.items()]
        said.append(stated("CHF", date(2026, 3, 30), "0.88"))
        assert say(client, *said) == said
        yield client


def say(client: Client, *rates: ExchangeRate, now: datetime = NOW) -> list[ExchangeRate]:
    return ledger.state(client, rates, author="ada", source="test", note="why", now=now)


def rate_on(day: date) -> Decimal:
    return Decimal(next(units for since, units in reversed(RATES.items()) if since <= day.isoformat()))


def expected(events: list[Event], column: str = "cost_nano_usd") -> Decimal:
    return sum((Decimal(event[column]) / 10**9 * rate_on(event["day"]) for event in events), Decimal(0))


def converted(
    client: Client, question: Breakdown | Timeline, currency: str = "EUR", **more: list[str]
) -> ConvertedParts:
    return ask(client, Converted(currency, question.money, question.selection.parameters, **more))


def test_a_later_word_for_a_day_holds_and_the_former_stays(engine: Engine) -> None:
    with engine.database() as (client, _):
        first, second = stated("EUR", date(2026, 3, 1), "0.92"), stated("EUR", date(2026, 3, 1), "0.93")
        assert say(client, first) == [first]
        assert say(client, first, now=NOW + timedelta(hours=1)) == []
        assert say(client, second, now=NOW + timedelta(hours=2)) == [second]
        found = ask(client, SaidRates("EUR"))
        assert [(each.rate, each.holds) for each in found] == [(second, True), (first, False)]
        assert (found[0].author, found[0].source, found[0].note) == ("ada", "test", "why")
        assert found[0].created == NOW + timedelta(hours=2)
        assert [each.rate for each in ask(client, SaidRates(held_only=True))] == [second]
        assert ask(client, RatesInForce("EUR")).on(date(2026, 3, 2)) == Decimal("0.93")


@pytest.mark.parametrize("dimension", ["model", "user_id", "prompt_id", "thread_id"])
def test_a_breakdown_in_another_currency(client: Client, recorded: list[Event], dimension: str) -> None:
    found = converted(client, Breakdown(dimension, Selection("acme")))
    mine = [event for event in recorded if event["organization"] == "acme"]
    assert found.whole.cost == expected(mine)
    assert found.whole.billed == expected(mine, "billed_nano_usd")
    values = {event[dimension] for event in mine}
    assert {value: money.cost for value, money in found.parts.items() if money.cost} == {
        value: expected([event for event in mine if event[dimension] == value]) for value in values
    }
    some = sorted(values)[1:]
    few = converted(client, Breakdown(dimension, Selection("acme")), values=some)
    assert (few.whole, set(few.parts)) == (found.whole, set(some))


@pytest.mark.parametrize("granularity", list(Granularity))
def test_buckets_in_another_currency_sum_to_the_whole(
    client: Client, recorded: list[Event], granularity: Granularity
) -> None:
    question = Timeline(Selection("zen"), granularity)
    found = converted(client, question)
    assert found.whole.cost == expected([event for event in recorded if event["organization"] == "zen"])
    assert sum((money.cost for money in found.parts.values()), Decimal(0)) == found.whole.cost
    assert {bucket.start for bucket in ask(client, question)} == set(found.parts)


def test_a_day_without_a_rate_is_named_even_in_the_middle_of_a_week(client: Client, recorded: list[Event]) -> None:
    first = min(event["day"] for event in recorded if event["organization"] == "acme")
    gap = converted(client, Timeline(Selection("acme"), Granularity.WEEK), "CHF").gap
    assert gap is not None
    assert str(gap).startswith(f"there is no exchange rate for CHF on {first}; ")
    later = Selection("acme", first_day=date(2026, 3, 30))
    assert converted(client, Timeline(later, Granularity.WEEK), "CHF").gap is None


def test_dollars_are_a_currency_too(client: Client) -> None:
    question = Timeline(Selection("acme"), Granularity.DAY)
    assert converted(client, question, "USD").whole.cost == sum(
        bucket.usage.cost_usd for bucket in ask(client, question)
    )


def test_analysts_see_usage_in_each_currency(client: Client, recorded: list[Event]) -> None:
    (whole,) = client.query("SELECT sum(cost) FROM usage_daily_converted WHERE currency = 'EUR'").result_rows[0]
    assert whole == expected(recorded)
    gaps = client.query(
        "SELECT max(day) FROM usage_daily_converted WHERE currency = 'CHF' AND cost IS NULL"
    ).result_rows
    assert gaps == [(date(2026, 3, 29),)]
    rates = client.query("SELECT day, last_day FROM currency_rates WHERE currency = 'EUR' ORDER BY day").result_rows
    assert rates == [
        (date(2026, 3, 20), date(2026, 3, 27)),
        (date(2026, 3, 28), date(2026, 3, 31)),
        (date(2026, 4, 1), None),
    ]
