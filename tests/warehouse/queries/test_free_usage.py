"""The free plan's executions by UTC day against the limit that holds when the day begins."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.configuring.agreeing import store_terms
from stream_jobs.configuring.change import Asked
from stream_jobs.credits import Terms, TermsRow
from stream_jobs.pricing.seed import seed
from tests.warehouse.engine import Engine
from tests.warehouse.recorded import events, raw_rows
from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS
from warehouse.queries.free_usage import FreeDay, FreeUsage
from warehouse.queries.query import ask

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 30, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 29), date(2026, 3, 31)


def free(number: int, time: datetime, **fields: Any) -> dict[str, Any]:
    """An event of the free plan, one token large."""
    empty = dict.fromkeys((*INPUT_BUCKETS, *OUTPUT_BUCKETS), 0)
    said = {
        "plan": "FREE",
        "billing_type": "SYSTEM",
        "status": "success",
        "customer_id": "c",
        "user_id": "u",
        "organization": "acme",
    }
    event = events(1)[0] | empty | {"input_tokens": 1, "cost_nano_usd": 5, "billed_nano_usd": 0, "src_index": number}
    return event | said | {"event_id": UUID(int=number + 1, version=4), "time": time} | fields


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    before, instant = MIDNIGHT - timedelta(milliseconds=1), timedelta(milliseconds=1)
    made = [
        *(free(number, MIDNIGHT + number * instant) for number in range(4)),
        free(4, before),
        free(5, MIDNIGHT, plan="PRO"),
        free(6, MIDNIGHT, plan="free", user_id="v"),
        # Failed before it used anything: it leaves the limit alone. What failed after some tokens does not.
        free(7, MIDNIGHT, status="error", input_tokens=0, cost_nano_usd=0),
        free(8, MIDNIGHT, status="error", user_id="v"),
        # One limit for a user, whichever customer they work for; their customer's own key costs us nothing.
        free(11, MIDNIGHT, customer_id="d", user_id="x"),
        free(12, MIDNIGHT, customer_id="e", user_id="x", billing_type="BYOK"),
        free(13, MIDNIGHT, customer_id="e", user_id="x"),
        free(14, MIDNIGHT, customer_id="", user_id="x"),
        free(9, MIDNIGHT, organization="zen", user_id="w"),
        free(10, MIDNIGHT + timedelta(days=1), organization="zen", user_id="w"),
    ]
    with engine.database() as (client, _):
        seed(client, NOW)
        raw_rows(made).insert(client)
        yield client


def asked(client: Client, **fields: Any) -> list[FreeDay]:
    return ask(client, FreeUsage(fields.pop("organization", None), FIRST, LAST, **fields))


@pytest.mark.integration
def test_a_user_has_one_limit_under_all_customers_and_byok_costs_nothing(client: Client) -> None:
    (day,) = asked(client, user_id="x")
    assert day == FreeDay("acme", date(2026, 3, 30), "x", 4, 3, 0, 1, Decimal("15e-9"))


@pytest.mark.integration
def test_executions_count_by_user_and_utc_day(client: Client) -> None:
    nano = Decimal("1e-9")
    assert asked(client, organization="acme") == [
        FreeDay("acme", date(2026, 3, 30), "u", 4, 3, 0, 1, 20 * nano),
        FreeDay("acme", date(2026, 3, 30), "x", 4, 3, 0, 1, 15 * nano),
        FreeDay("acme", date(2026, 3, 30), "v", 2, 3, 1, 0, 10 * nano),
        FreeDay("acme", date(2026, 3, 29), "u", 1, 3, 2, 0, 5 * nano),
    ]
    assert [each.user_id for each in asked(client, above_limit=True)] == ["u", "x"]
    assert [each.executions for each in asked(client, user_id="v")] == [2]
    assert asked(client, limit=1, skip=1) == asked(client)[1:2]


@pytest.mark.integration
def test_the_limit_is_that_of_the_terms_at_midnight(client: Client) -> None:
    for organization, since, limit in (
        ("", datetime(1970, 1, 1, tzinfo=UTC), 7),
        ("zen", MIDNIGHT + timedelta(days=1), 1),
        ("zen", MIDNIGHT + timedelta(days=1, seconds=1), 99),
    ):
        store_terms(client, TermsRow(organization, Terms(free_daily_limit=limit), since), Asked("ada", "", "test", NOW))
    limits = {(each.organization, each.day.day, each.user_id): each.free_daily_limit for each in asked(client)}
    assert limits == {
        ("acme", 29, "u"): 7,
        ("acme", 30, "u"): 7,
        ("acme", 30, "v"): 7,
        ("acme", 30, "x"): 7,
        ("zen", 30, "w"): 7,
        ("zen", 31, "w"): 1,
    }
