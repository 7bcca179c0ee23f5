"""Terms in the stream, on the real engine: an event counts and is billed by those in force at its place in the log."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.configuring.agreeing import store_terms
from stream_jobs.configuring.change import Asked
from stream_jobs.credits import Terms, TermsRow
from stream_jobs.credits.terms import ALWAYS
from stream_jobs.pricing.load import load_multipliers
from stream_jobs.pricing.seed import seed
from stream_jobs.worker.books import Books
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.take import Rules
from tests.stream_jobs.worker.lived import (
    FIRST,
    LATER,
    SECOND,
    THIRD,
    answer,
    book,
    is_right,
    live,
    prepared,
)
from tests.stream_jobs.worker.sent import BEGIN, INPUT_NANO_USD, Posted, Told, rules
from warehouse.queries.margin import MarginBy, Margins
from warehouse.queries.query import ask
from warehouse.queries.selection import Selection

pytestmark = pytest.mark.integration
__all__ = ["prepared"]
EVENTS = "SELECT user_id, cost_nano_usd, billed_nano_usd, credits_micro FROM usage_raw FINAL ORDER BY time, user_id"


def agreed(warehouse: Client, number: int, since: int, terms: Terms, organization: str = "") -> Told:
    """The record that puts terms in force, which are stored before. since: minutes after BEGIN."""
    start = (BEGIN + timedelta(minutes=since)).replace(microsecond=0) if since else ALWAYS
    stored = store_terms(warehouse, TermsRow(organization, terms, start), Asked("ada", "", "test", BEGIN))
    return Told("config", stored.body, organization=organization, number=number)


def with_terms(warehouse: Client) -> Rules:
    given = rules()
    books = Books.of(book(1), load_multipliers(warehouse, 1))
    books.load_prices, books.load_multipliers = book, lambda state: load_multipliers(warehouse, state)
    return Rules(given.routing, given.times, books)


def test_terms_come_into_force_in_the_log_and_hold_by_date(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    seed(warehouse, BEGIN)
    posted: list[Posted | Told] = [
        Posted((FIRST,)),
        agreed(warehouse, 901, 0, Terms("cost", Decimal(1000), markup_ppm=200_000)),
        Posted((SECOND, THIRD)),
        agreed(warehouse, 902, 50, Terms("tokens", rounding="up", markup_ppm=500_000), FIRST.organization),
        Posted((LATER,)),
    ]
    live(sink, tmp_path / "a", posted, rules=with_terms(warehouse))
    assert is_right(warehouse)
    cost = INPUT_NANO_USD
    expected = [
        ("u1", 10 * cost, 10 * cost, 1_000_000),
        ("u2", 100 * cost, 120 * cost, 100 * cost),
        ("u4", 50 * cost, 60 * cost, 50 * cost),
        ("u1", 1000 * cost, 1500 * cost, 1_000_000),
    ]
    assert answer(warehouse, EVENTS) == expected
    switches = answer(warehouse, "SELECT offset, revision FROM revision_switches ORDER BY offset")
    assert switches == [(1, 2), (3, 3)]
    whole = ask(warehouse, Margins(MarginBy.CUSTOMER, Selection())).whole
    assert whole.margin_usd == (Decimal(20 + 10 + 500) * cost).scaleb(-9)

    # Another worker that reads the same log again from the start decides the same.
    warehouse.command("TRUNCATE TABLE partition_progress")
    live(sink, tmp_path / "b", posted, rules=with_terms(warehouse))
    assert answer(warehouse, EVENTS) == expected
    assert is_right(warehouse)


def test_a_reprice_without_multipliers_keeps_credits_and_terms(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    seed(warehouse, BEGIN)
    posted: list[Posted | Told] = [
        Posted((FIRST, SECOND, THIRD)),
        agreed(warehouse, 901, 0, Terms("cost", Decimal(1000), markup_ppm=200_000)),
        Told("reprice", {"selection": {"user_id": "u1"}}, number=1),
        Told("reprice", {"selection": {"user_id": "u2"}, "multipliers": 2}, number=2),
        Told("reprice", {"selection": {"user_id": "u4"}, "multipliers": "in_force"}, number=3),
    ]
    live(sink, tmp_path / "a", posted, rules=with_terms(warehouse))
    assert is_right(warehouse)
    cost = INPUT_NANO_USD
    assert answer(warehouse, EVENTS) == [
        ("u1", 10 * cost, 10 * cost, 1_000_000),
        ("u2", 100 * cost, 120 * cost, 100 * cost),
        ("u4", 50 * cost, 60 * cost, 50 * cost),
    ]

    back = [*posted, Told("reprice", {"selection": {}, "prices": 1, "multipliers": 1}, number=4)]
    live(sink, tmp_path / "a", back, rules=with_terms(warehouse))
    assert is_right(warehouse)
    assert answer(warehouse, EVENTS) == [
        ("u1", 10 * cost, 10 * cost, 1_000_000),
        ("u2", 100 * cost, 100 * cost, 1_000_000),
        ("u4", 50 * cost, 50 * cost, 1_000_000),
    ]
