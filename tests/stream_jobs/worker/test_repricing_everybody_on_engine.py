"""Repricing of all organisations on the real engine: each keeps the prices and terms that are its own."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from producers.control.record import ControlRecord
from stream_jobs.configuring.agreeing import store_terms
from stream_jobs.configuring.change import Asked
from stream_jobs.control.difference import difference
from stream_jobs.credits import Terms, TermsRow
from stream_jobs.credits.terms import ALWAYS
from stream_jobs.worker import app
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.lived import answer, is_right, live
from tests.stream_jobs.worker.sent import BEGIN, Posted, Sent, Told
from tests.stream_jobs.worker.test_repricing_on_engine import raised, stored_rules
from tests.warehouse.recorded import directory_rows
from tokentally.partition import partition_of

pytestmark = pytest.mark.integration
HASH = "d" * 64
USD = {1: ("", 2), 2: ("", 3), 3: ("zen", 5), 4: ("acme", 7)}
"""Whose each revision of the prices is, and its price of a million input tokens."""
BORN = (
    Posted((Sent(1, input_tokens=10), Sent(2, user="u2", input_tokens=20))),
    Posted((Sent(3, organization="zen", input_tokens=10), Sent(4, organization="fox", input_tokens=10)), partition=1),
)
EVERYWHERE = (0, 1)


@pytest.fixture(autouse=True)
def prepared(warehouse: Client) -> Iterator[None]:
    directory_rows().insert(warehouse)
    store_prices(warehouse)
    with patch.object(app, "leave", raised):
        yield


def store_prices(client: Client) -> None:
    names = ["kind", "organization", "revision", "content_hash"]
    prices = ["organization", "revision", "provider", "model", "unit", "price_usd", "per"]
    client.insert("config_revisions", [["multipliers", "", 1, HASH]], column_names=names)
    for revision, (organization, usd) in USD.items():
        client.insert("config_revisions", [["prices", organization, revision, HASH]], column_names=names)
        row = [organization, revision, "maker", "large", "input_mtok", Decimal(usd), 1_000_000]
        client.insert("prices", [row], column_names=prices)


def switched(revision: int, *partitions: int) -> list[Told]:
    body = {"subject": "prices", "revision": revision, "content_hash": HASH}
    return [
        Told("config", body, organization=USD[revision][0], partition=number, number=900 + revision)
        for number in partitions
    ]


def everybody(number: int, **said: Any) -> list[Told]:
    body = {"selection": {"until": "2027-01-01T00:00:00Z"}, **said}
    return [Told("reprice", body, organization="", partition=place, number=number) for place in EVERYWHERE]


def previewed(client: Client, told: Told) -> tuple[int, int, int]:
    """Cost, billed amount and credits that the dry run says."""
    record = ControlRecord(told.control_id, told.kind, told.organization, told.body, "ada", "", BEGIN)
    after = difference(client, record).after
    return after.cost_nano_usd, after.billed_nano_usd, after.credits_micro


def stored(client: Client) -> tuple[int, int, int]:
    sums = "sum(cost_nano_usd), sum(billed_nano_usd), sum(credits_micro)"
    (found,) = answer(client, f"SELECT {sums} FROM usage_raw FINAL")
    return found[0], found[1], found[2]


def money(client: Client) -> list[tuple[Any, ...]]:
    sql = "SELECT organization, cost_nano_usd, billed_nano_usd, price_revision FROM usage_raw FINAL ORDER BY source_id"
    return answer(client, sql)


def test_e25_everybody_is_priced_by_what_is_in_force_in_his_own_partition(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    posted: list[Posted | Told] = [*BORN, *switched(2, *EVERYWHERE), *switched(3, 1), *switched(4, 0)]
    live(sink, tmp_path / "a", posted, rules=stored_rules(warehouse))
    (there, elsewhere) = everybody(1)
    said = previewed(warehouse, there)
    live(sink, tmp_path / "a", [*posted, there, elsewhere], rules=stored_rules(warehouse))
    assert is_right(warehouse)
    assert money(warehouse) == [
        ("acme", 70_000, 70_000, 4),
        ("acme", 140_000, 140_000, 4),
        ("zen", 50_000, 50_000, 3),
        ("fox", 30_000, 30_000, 3),
    ]
    assert stored(warehouse) == said


def test_everybody_is_priced_again_however_long_the_names_are(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    names = [f"{number}" + "\U0001f600" * 97 for number in range(100, 200)]
    sent = [Sent(number, organization=name, input_tokens=10) for number, name in enumerate(names)]
    posted: list[Posted | Told] = [Posted((each,), partition=partition_of(each.organization, 2)) for each in sent]
    told = [*switched(2, *EVERYWHERE), *everybody(1)]
    live(sink, tmp_path / "a", [*posted, *told], rules=stored_rules(warehouse))
    assert answer(warehouse, "SELECT count(), sum(cost_nano_usd) FROM usage_raw FINAL") == [(100, 100 * 30_000)]


def test_a_preview_of_everybody_bills_each_by_his_own_terms(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    asked = Asked("ada", "", "test", BEGIN)
    rows = [TermsRow("", Terms(markup_ppm=100_000), ALWAYS), TermsRow("zen", Terms(markup_ppm=500_000), ALWAYS)]
    everyones, zens = (store_terms(warehouse, row, asked).body for row in rows)
    posted: list[Posted | Told] = [
        *(Told("config", everyones, organization="", partition=place, number=801) for place in EVERYWHERE),
        Told("config", zens, organization="zen", partition=1, number=802),
        *BORN,
        *switched(2, *EVERYWHERE),
    ]
    live(sink, tmp_path / "a", posted, rules=stored_rules(warehouse))
    (there, elsewhere) = everybody(1)
    said = previewed(warehouse, there)
    live(sink, tmp_path / "a", [*posted, there, elsewhere], rules=stored_rules(warehouse))
    assert [(row[0], row[2]) for row in money(warehouse)] == [
        ("acme", 33_000),
        ("acme", 66_000),
        ("zen", 45_000),
        ("fox", 33_000),
    ]
    assert stored(warehouse) == said
