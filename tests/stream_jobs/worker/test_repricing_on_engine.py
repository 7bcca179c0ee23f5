"""Repricing on the real engine: what the dry run says happens, back again gives the old numbers, and every event's
money and credits are explained at each step.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from producers.control.record import ControlRecord
from stream_jobs.configuring.agreeing import store_terms
from stream_jobs.configuring.change import Asked
from stream_jobs.control.difference import difference
from stream_jobs.credits import Terms, TermsRow
from stream_jobs.credits.terms import ALWAYS
from stream_jobs.explanation.explainer import Explainer
from stream_jobs.explanation.explanation import Explanation
from stream_jobs.pricing.load import load_multipliers, load_price_book
from stream_jobs.worker import app
from stream_jobs.worker.books import Books
from stream_jobs.worker.control import Controls
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.take import Rules
from tests.stream_jobs.worker.lived import answer, is_right, key_of, live
from tests.stream_jobs.worker.sent import BEGIN, Posted, Sent, Told, rules
from tests.warehouse.recorded import directory_rows

pytestmark = pytest.mark.integration
HASH = "c" * 64
DEARER_FROM = BEGIN + timedelta(minutes=30)
"""Both revisions have one price before and another one from here on."""
EARLY = Sent(1, BEGIN, user="u1", input_tokens=10, output_tokens=3)
DEARER = Sent(2, BEGIN + timedelta(hours=1), user="u1", input_tokens=100)
KEYS = Sent(3, BEGIN, user="u2", input_tokens=50, billing="BYOK")
UNKNOWN = Sent(4, BEGIN, user="u2", model="unheard-of", input_tokens=5)
ALL = (EARLY, DEARER, KEYS, UNKNOWN)
MONEY = "cost_nano_usd, billed_nano_usd, credits_micro, cost_status, price_revision, priced_as"


@pytest.fixture(autouse=True)
def prepared(warehouse: Client) -> Iterator[None]:
    directory_rows().insert(warehouse)
    with patch.object(app, "leave", raised):
        yield


def raised(_what: str, failure: BaseException) -> None:
    raise failure


def store_revisions(client: Client) -> None:
    """Prices 1 and 2: the second costs three times as much and prices what the first does not. Multipliers 1 and 2."""
    prices, multipliers = [], []
    for revision, factor in ((1, 1), (2, 3)):
        for position, (start, usd) in enumerate(((BEGIN - timedelta(days=900), "2"), (DEARER_FROM, "2.5"))):
            prices.append([revision, "maker", "large", start, "input_mtok", Decimal(usd) * factor, position])
        if revision == 2:
            always = BEGIN - timedelta(days=900)
            prices.append([revision, "maker", "large", always, "output_mtok", Decimal(8), 2])
            prices.append([revision, "maker", "unheard-of", always, "input_mtok", Decimal(1), 3])
        multipliers.append([revision, "maker", "large", 1000 * revision])
        for kind in ("prices", "multipliers"):
            said = [kind, "", revision, HASH, f"author of {revision}", "a test"]
            names = ["kind", "organization", "revision", "content_hash", "author", "source"]
            client.insert("config_revisions", [said], column_names=names)
    names = ["revision", "provider", "model", "effective_from", "unit", "price_usd", "position"]
    client.insert("prices", [[*row, 1_000_000] for row in prices], column_names=[*names, "per"])
    client.insert("multipliers", multipliers, column_names=["revision", "provider", "model", "multiplier_milli"])


def stored_rules(client: Client) -> Rules:
    """As a worker makes them."""
    given = rules()
    books = Books.of(load_price_book(client, 1), load_multipliers(client, 1))
    books.load_prices = lambda revision: load_price_book(client, revision)
    books.load_multipliers = lambda revision: load_multipliers(client, revision)
    return Rules(given.routing, given.times, books)


def switched(kind: str, revision: int) -> Told:
    body = {"subject": kind, "revision": revision, "content_hash": HASH}
    return Told("config", body, organization="", number=900 + 10 * revision + len(kind))


def reprice(number: int, prices: int, multipliers: int | None = None) -> Told:
    said = {"prices": prices} if multipliers is None else {"prices": prices, "multipliers": multipliers}
    return Told("reprice", {"selection": {"until": "2027-01-01T00:00:00Z"}, **said}, number=number)


def money(client: Client) -> list[tuple[Any, ...]]:
    return answer(client, f"SELECT source_id, {MONEY} FROM usage_raw FINAL ORDER BY source_id")


def rolled(client: Client) -> list[tuple[Any, ...]]:
    """All families and grains, without where rows come from."""
    sums = "sum(requests), sum(cost_nano_usd), sum(billed_nano_usd), sum(credits_micro)"
    tables = ("rollup", "rollup_category")
    union = " UNION ALL ".join(
        f"SELECT '{table}' AS t, toString(grain) AS g, bucket, model, {sums} FROM {table} FINAL "
        "GROUP BY grain, bucket, model HAVING sum(requests) > 0"
        for table in tables
    )
    return answer(client, f"SELECT * FROM ({union}) ORDER BY ALL")


def explain(client: Client, sent: Sent, under: int | None = None) -> Explanation:
    (found,) = Explainer(client).explain(UUID(key_of(sent)["event_id"]), "", sent.organization, under)
    return found


def test_a_reprice_does_what_its_dry_run_said_and_back_again_gives_the_old_numbers(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    store_revisions(warehouse)
    posted: list[Posted | Told] = [Posted(ALL), switched("prices", 2), switched("multipliers", 2)]
    live(sink, tmp_path / "a", posted, rules=stored_rules(warehouse))
    born, rolled_at_birth = money(warehouse), rolled(warehouse)
    assert born == [
        ("event 1", 20_000, 20_000, 1_000_000, "partial", 1, "maker/large"),
        ("event 2", 250_000, 250_000, 1_000_000, "priced", 1, "maker/large"),
        ("event 3", 100_000, 0, 1_000_000, "priced", 1, "maker/large"),
        ("event 4", 0, 0, 1_000_000, "unpriced", 1, ""),
    ]

    there = reprice(1, prices=2, multipliers=2)
    said = difference(warehouse, ControlRecord(there.control_id, "reprice", "acme", there.body, "ada", "", BEGIN))
    assert money(warehouse) == born, "a dry run changes nothing"
    live(sink, tmp_path / "a", [*posted, there], rules=stored_rules(warehouse))
    assert is_right(warehouse)
    assert money(warehouse) == [
        ("event 1", 84_000, 84_000, 2_000_000, "priced", 2, "maker/large"),
        ("event 2", 750_000, 750_000, 2_000_000, "priced", 2, "maker/large"),
        ("event 3", 300_000, 0, 2_000_000, "priced", 2, "maker/large"),
        ("event 4", 5_000, 5_000, 1_000_000, "priced", 2, "maker/unheard-of"),
    ]
    for place, former, latter in (("before", born, said.before), ("after", money(warehouse), said.after)):
        assert (latter.requests, latter.cost_nano_usd, latter.billed_nano_usd, latter.credits_micro) == (
            *(len(former), sum(row[1] for row in former), sum(row[2] for row in former)),
            sum(row[3] for row in former),
        ), place

    back = reprice(2, prices=1, multipliers=1)
    live(sink, tmp_path / "a", [*posted, there, back], rules=stored_rules(warehouse))
    assert is_right(warehouse)
    assert money(warehouse) == born
    assert rolled(warehouse) == rolled_at_birth
    kept = answer(
        warehouse,
        "SELECT source.source_id, former.cost_nano_usd, former.credits_micro, former.price_revision "
        "FROM corrections AS former INNER JOIN (SELECT event_id, source_id FROM usage_raw FINAL) AS source "
        "USING event_id ORDER BY source.source_id, former.control_offset",
    )
    assert kept[:2] == [("event 1", 20_000, 1_000_000, 1), ("event 1", 84_000, 2_000_000, 2)]
    assert len(kept) == 2 * len(ALL)


def test_every_event_is_explained_before_between_and_after_reprices(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    store_revisions(warehouse)
    late = Sent(5, BEGIN, input_tokens=10)
    posted: list[Posted | Told] = [Posted(ALL), switched("prices", 2), switched("multipliers", 2), Posted((late,))]
    told = [
        *(reprice(1, prices=2), reprice(2, prices=2, multipliers=2), reprice(3, prices=1)),
        Told("replace", {"events": [{**key_of(EARLY), "set": {"input_tokens": 7}}]}, number=4),
        Told("amend", {"events": [{**key_of(EARLY), "set": {"rating": 2}}]}, number=5),
        Told("void", {"events": [key_of(KEYS)]}, number=6),
    ]
    credits: list[tuple[int, int]] = []
    for done in range(len(told) + 1):
        live(sink, tmp_path / "a", [*posted, *told[:done]], rules=stored_rules(warehouse))
        for sent in (*ALL, late):
            found = explain(warehouse, sent)
            assert found.differences == (), (done, sent.number)
            assert len(found.former) == sum(record_is_about(each, sent) for each in told[:done])
        counted = explain(warehouse, EARLY).credits
        credits.append((counted.revision, counted.credits_micro))
    assert credits == [(1, 10**6), (1, 10**6), *[(2, 2 * 10**6)] * 5]
    assert explain(warehouse, KEYS).event.void


def test_e23_what_a_record_before_an_event_made_of_it_is_explained(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    store_revisions(warehouse)
    told = Told("replace", {"events": [{**key_of(DEARER), "set": {"input_tokens": 7}}]}, number=1)
    names = ("control_id", "kind", "organization", "author", "note")
    record = (UUID(told.control_id), "replace", "acme", "ada", "counted twice")
    warehouse.insert("control_records", [record], column_names=names)
    live(sink, tmp_path / "a", [told, Posted(ALL)], rules=stored_rules(warehouse))
    (said,) = explain(warehouse, DEARER).at_birth
    assert (said.control_id, said.kind, said.author, said.note) == (told.control_id, "replace", "ada", "counted twice")
    assert said.asked is not None
    assert explain(warehouse, EARLY).at_birth == ()
    amend = Told("amend", {"events": [{**key_of(DEARER), "set": {"rating": 2}}]}, number=2)
    live(sink, tmp_path / "a", [told, Posted(ALL), amend], rules=stored_rules(warehouse))
    found = explain(warehouse, DEARER)
    assert ([each.control_id for each in found.at_birth], [each.kind for each in found.former]) == (
        *([told.control_id], ["amend"]),
    )
    assert found.differences == ()


def record_is_about(told: Told, sent: Sent) -> bool:
    events = told.body.get("events")
    return events is None or key_of(sent)["event_id"] in [each["event_id"] for each in events]


def test_an_explanation_names_prices_authors_and_what_another_revision_would_cost(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    store_revisions(warehouse)
    live(sink, tmp_path / "a", [Posted(ALL)], rules=stored_rules(warehouse))
    found = explain(warehouse, DEARER, under=2)
    (line,) = found.cost.lines
    assert (line.unit, line.quantity, line.price_usd, line.per, found.cost.cost_nano_usd) == (
        *("input_tokens", Fraction(100), Decimal("2.5"), 10**6),
        250_000,
    )
    assert line.row is not None
    assert line.row.effective_from == found.cost.effective_from == DEARER_FROM
    assert {(told.kind, told.revision, told.author) for told in found.revisions} == {
        ("prices", 1, "author of 1"),
        ("prices", 2, "author of 2"),
        ("multipliers", 1, "author of 1"),
    }
    assert found.under is not None
    assert (found.under.revision, found.under.cost_nano_usd) == (2, 750_000)
    partial = explain(warehouse, EARLY)
    assert (partial.cost.status, partial.cost.unpriced_units) == ("partial", ("output_tokens",))
    assert explain(warehouse, KEYS).billing.rule == "own key"
    assert Explainer(warehouse).explain(UUID(int=1), "") == []


def test_a_job_whose_state_cannot_be_loaded_fails_and_ends_no_worker(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """Whoever applied its record did not look whether there is such a state."""
    store_revisions(warehouse)
    with patch.object(Controls, "_check_in_force"):
        live(sink, tmp_path / "a", [Posted(ALL), reprice(1, prices=7)], rules=stored_rules(warehouse))
    ((state, message),) = answer(warehouse, "SELECT toString(state), message FROM jobs FINAL")
    assert (state, message.startswith("no prices of revision 7")) == ("failed", True), message
    assert {row[5] for row in money(warehouse)} == {1}


def test_a_row_that_does_not_follow_from_the_rules_says_so(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    store_revisions(warehouse)
    live(sink, tmp_path / "a", [Posted(ALL)], rules=stored_rules(warehouse))
    wrong = "SELECT * REPLACE (cost_nano_usd + 1 AS cost_nano_usd, 1 AS control_offset) FROM usage_raw FINAL"
    columns = answer(
        warehouse,
        "SELECT groupArray(name) FROM system.columns WHERE database = currentDatabase() AND table = 'usage_raw' "
        "AND default_kind NOT IN ('EPHEMERAL', 'ALIAS', 'MATERIALIZED')",
    )[0][0]
    names = ", ".join(columns)
    warehouse.command(f"INSERT INTO usage_raw ({names}) SELECT {names} FROM ({wrong} WHERE source_id = 'event 2')")
    assert explain(warehouse, DEARER).differences == ("cost_nano_usd is 250001, explained is 250000",)


def test_a_price_change_is_the_same_after_a_replay(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    store_revisions(warehouse)
    late, later = Sent(6, BEGIN - timedelta(days=2), input_tokens=10), Sent(7, DEARER_FROM, input_tokens=10)
    posted: list[Posted | Told] = [Posted(ALL), switched("prices", 2), Posted((late, later)), Posted(ALL)]
    live(sink, tmp_path / "a", posted, rules=stored_rules(warehouse))
    before, rolled_before = money(warehouse), rolled(warehouse)
    assert [(row[1], row[5]) for row in before if row[0] in ("event 6", "event 7")] == [(60_000, 2), (75_000, 2)]
    replay = Told("replay", {"first": "2026-01-01"}, organization="")
    live(sink, tmp_path / "a", [*posted, replay], rules=stored_rules(warehouse))
    assert (money(warehouse), rolled(warehouse)) == (before, rolled_before)
    assert is_right(warehouse)
    for sent in (EARLY, late, later):
        assert explain(warehouse, sent).differences == ()


def agreed(client: Client, number: int, markup_ppm: int, organization: str = "") -> Told:
    """The record that puts a markup in force that holds for all times; its terms are stored before."""
    row = TermsRow(organization, Terms(markup_ppm=markup_ppm), ALWAYS)
    stored = store_terms(client, row, Asked("ada", "", "test", BEGIN))
    return Told("config", stored.body, organization=organization, number=number)


def said_of(client: Client, told: Told) -> tuple[int, int, int]:
    record = ControlRecord(told.control_id, told.kind, told.organization, told.body, "ada", "", BEGIN)
    after = difference(client, record).after
    return after.cost_nano_usd, after.billed_nano_usd, after.credits_micro


def test_e25_there_and_back_is_exact_whatever_terms_came_after_the_events(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """Each event was billed by other terms: of its birth, of a replacement, of a reprice with multipliers."""
    store_revisions(warehouse)
    awaited, late = Sent(5, BEGIN, user="u5", input_tokens=40), Sent(6, BEGIN, user="u6", input_tokens=60)
    moved = Sent(7, BEGIN, user="gone", input_tokens=70)
    posted: list[Posted | Told] = [
        switched("prices", 2),
        switched("multipliers", 2),
        Posted((*ALL, moved)),
        agreed(warehouse, 801, 100_000),
        Told("replace", {"events": [{**key_of(awaited), "set": {"input_tokens": 45}}]}, number=11),
        agreed(warehouse, 802, 200_000, "acme"),
        Posted((awaited, late)),
        Told("replace", {"events": [{**key_of(EARLY), "set": {"input_tokens": 12}}]}, number=12),
        Told("replace", {"events": [{**key_of(moved), "set": {"user_id": "u7"}}]}, number=13),
        Told("reprice", {"selection": {"model": "unheard-of"}, "multipliers": 3}, number=14),
        Told("amend", {"selection": {"user_id": "u7"}, "set": {"rating": 3}}, number=15),
        Told("erase", {"user_id": "gone"}, number=16),
        agreed(warehouse, 803, 500_000, "acme"),
        agreed(warehouse, 804, 700_000),
    ]
    live(sink, tmp_path / "a", posted, rules=stored_rules(warehouse))
    born, rolled_at_birth = money(warehouse), rolled(warehouse)
    assert [(row[0], row[1], row[2]) for row in born] == [
        ("event 1", 96_000, 115_200),
        ("event 2", 750_000, 750_000),
        ("event 3", 300_000, 0),
        ("event 4", 5_000, 5_500),
        ("event 5", 270_000, 324_000),
        ("event 6", 360_000, 432_000),
        ("event 7", 420_000, 504_000),
    ]
    there, back = reprice(1, prices=1), reprice(2, prices=2)
    for told in (there, back):
        said = said_of(warehouse, told)
        posted.append(told)
        live(sink, tmp_path / "a", posted, rules=stored_rules(warehouse))
        assert is_right(warehouse)
        rows = money(warehouse)
        assert said == (sum(row[1] for row in rows), sum(row[2] for row in rows), sum(row[3] for row in rows))
    assert money(warehouse) == born
    assert rolled(warehouse) == rolled_at_birth
    for sent in (*ALL, late):
        assert explain(warehouse, sent).differences == ()
