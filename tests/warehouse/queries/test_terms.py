"""Terms as they are stored, loaded and shown: whole revisions per owner, nothing overwritten."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.configuring.agreeing import store_terms
from stream_jobs.configuring.change import Asked
from stream_jobs.credits import Terms, TermsRow
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.terms_of_state import terms_of_state
from stream_jobs.pricing.load import load_multipliers
from stream_jobs.pricing.record import multiplier_record
from stream_jobs.pricing.seed import seed
from tests.warehouse.engine import Engine
from warehouse.control import storing
from warehouse.queries.query import ask
from warehouse.queries.terms import AgreedTerms, BillingTerms, TermsHistory

pytestmark = pytest.mark.integration
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARCH, JUNE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
PER_USD = Decimal("1000.000000000000000001")


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.database() as (client, _):
        seed(client, NOW)
        yield client


def set_(client: Client, organization: str, since: datetime, minute: int = 0, **said: Any) -> int:
    asked = Asked("ada", f"at {minute}", "test", NOW + timedelta(minutes=minute))
    return store_terms(client, TermsRow(organization, Terms(**said), since), asked).revision


def test_what_is_loaded_is_what_was_stored(client: Client) -> None:
    said: dict[str, Any] = {"basis": "cost", "credits_per_usd": PER_USD, "rounding": "up", "markup_ppm": 200_001}
    assert set_(client, "", MARCH, **said) == 2
    (row,) = terms_of_state(client, 2)
    assert row == TermsRow("", Terms("cost", PER_USD, "up", 200_001), MARCH, "at 0", "test")
    assert terms_of_state(client, 1) == []


def test_the_multipliers_of_the_owner_are_stored_again(client: Client) -> None:
    set_(client, "", MARCH, markup_ppm=1)
    one, two = load_multipliers(client, 1), load_multipliers(client, 2)
    names = ("acme", "openai/gpt-4o", "openai", "gpt-4o", 0)
    assert one.milli_of(*names) == two.milli_of(*names) == 2000
    at = round(MARCH.timestamp() * 1000)
    assert (one.terms.at("acme", at).markup_ppm, two.terms.at("acme", at).markup_ppm) == (0, 1)


def test_a_state_is_each_owners_newest_revision(client: Client) -> None:
    assert set_(client, "", MARCH, markup_ppm=1) == 2
    assert set_(client, "acme", JUNE, markup_ppm=2) == 3
    assert set_(client, "", JUNE, markup_ppm=3) == 4
    assert set_(client, "acme", JUNE, markup_ppm=4) == 5

    def state(number: int) -> list[tuple[str, int]]:
        return [(row.organization, row.terms.markup_ppm) for row in terms_of_state(client, number)]

    assert state(3) == [("", 1), ("acme", 2)]
    assert state(4) == [("", 1), ("", 3), ("acme", 2)]
    assert state(5) == [("", 1), ("", 3), ("acme", 4)]


def test_multipliers_and_terms_of_a_state_are_those_of_the_same_revisions(client: Client) -> None:
    """Whoever changes multipliers keeps the owner's terms, and the other way round."""
    set_(client, "acme", MARCH, markup_ppm=7)
    terms = storing.other_tables(client, "multipliers", "acme", 2, "multipliers")
    own = multiplier_record(MultiplierRow("openai", "gpt-4o", 5000, "test", organization="acme"), "ada", NOW)
    draft = storing.Draft("multipliers", "acme", {"multipliers": [own], **terms}, "ada", "", "test")
    assert storing.store(client, draft, NOW).revision == 3
    assert set_(client, "acme", JUNE, markup_ppm=9) == 4
    table = load_multipliers(client, 4)
    assert [table.milli_of(name, "openai/gpt-4o", "", "", 0) for name in ("acme", "zen")] == [5000, 2000]
    times = [round(time.timestamp() * 1000) for time in (MARCH, JUNE)]
    assert [table.terms.at("acme", time).markup_ppm for time in times] == [7, 9]


def test_without_any_the_shipped_terms_are_shown(client: Client) -> None:
    (shown,) = ask(client, BillingTerms())
    shipped = Terms()
    assert (shown.organization, shown.effective_from, shown.effective_to, shown.revision) == ("", ALWAYS, None, 0)
    assert (shown.basis, shown.rounding) == (shipped.basis, shipped.rounding)
    assert shown.credits_per_usd == shipped.credits_per_usd
    assert int(shown.markup * 10**6) == shipped.markup_ppm
    assert shown.free_daily_limit == shipped.free_daily_limit


def test_terms_hold_until_the_next_ones(client: Client) -> None:
    set_(client, "", JUNE, markup_ppm=300_000)
    set_(client, "acme", MARCH, markup_ppm=100_000)
    set_(client, "acme", JUNE, markup_ppm=200_000)
    set_(client, "zen", MARCH)
    shown = ask(client, BillingTerms("acme"))
    spans = [(each.organization, each.effective_from, each.effective_to, each.markup) for each in shown]
    assert spans == [
        ("", ALWAYS, JUNE, Decimal(0)),
        ("", JUNE, None, Decimal("0.3")),
        ("acme", MARCH, JUNE, Decimal("0.1")),
        ("acme", JUNE, None, Decimal("0.2")),
    ]
    assert [each.holds_at(JUNE) for each in shown] == [False, True, False, True]
    assert len(ask(client, BillingTerms())) == 5


def test_history_keeps_what_was_replaced(client: Client) -> None:
    set_(client, "acme", MARCH, 1, markup_ppm=100_000)
    set_(client, "acme", JUNE, 2, markup_ppm=200_000)
    set_(client, "acme", MARCH, 3, markup_ppm=150_000)

    def told(each: AgreedTerms) -> tuple[int, datetime, Decimal, str]:
        return each.revision, each.effective_from, each.markup, each.note

    assert [told(each) for each in ask(client, TermsHistory("acme"))] == [
        (4, MARCH, Decimal("0.15"), "at 3"),
        (3, JUNE, Decimal("0.2"), "at 2"),
        (2, MARCH, Decimal("0.1"), "at 1"),
    ]
    assert [each.note for each in ask(client, TermsHistory(limit=1, skip=1))] == ["at 2"]
    assert ask(client, TermsHistory("")) == []
