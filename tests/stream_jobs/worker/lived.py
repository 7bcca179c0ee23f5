"""Lives of a worker on the real engine: what it is sent, and what the warehouse then says."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.worker import app
from stream_jobs.worker.books import Books
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.take import Rules
from tests.stream_jobs.worker.sent import BEGIN, INPUT_NANO_USD, Log, Posted, Sent, Told, rules
from tests.stream_jobs.worker.simulation import GENERATION, RULES, SimulatedWorker, Step, raised
from tests.warehouse.recorded import directory_rows
from tokentally.identity import event_uuid
from warehouse.queries.reconcile.reconcile import reconcile

FIRST = Sent(1, user="u1", input_tokens=10, category="sql", prompt="p", thread="t")
SECOND = Sent(2, BEGIN + timedelta(minutes=20), user="u2", input_tokens=100, rating=5, duration_ms=40)
LATER = Sent(3, BEGIN + timedelta(hours=1), user="u1", input_tokens=1000)
THIRD = Sent(4, BEGIN + timedelta(minutes=40), user="u4", input_tokens=50)


@pytest.fixture(autouse=True)
def prepared(warehouse: Client) -> Iterator[None]:
    directory_rows().insert(warehouse)
    with patch.object(app, "leave", raised):
        yield


def key_of(sent: Sent) -> dict[str, str]:
    return {"event_id": str(event_uuid(sent.organization, f"event {sent.number}")), "time": sent.time.isoformat()}


def live(
    sink: Sink,
    attempts: Path,
    posted: Sequence[Posted | Told],
    *steps: Step,
    last: bool = True,
    rules: Rules = RULES,
) -> SimulatedWorker:
    worker = SimulatedWorker(Log(posted, BEGIN + timedelta(hours=2)), sink, 100, attempts, rules)

    async def life() -> None:
        await worker.live(steps, last=last)
        while await worker.foreman.work(GENERATION):
            worker.foreman.jobs.forget()

    asyncio.run(life())
    return worker


def answer(warehouse: Client, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in warehouse.query(sql).result_rows]


def counted(warehouse: Client) -> dict[str, tuple[int, int]]:
    """Requests and cost by user, from quarter hours."""
    rows = answer(
        warehouse,
        "SELECT user_id, sum(requests), sum(cost_nano_usd) FROM rollup FINAL WHERE grain = 'quarter' "
        "GROUP BY user_id HAVING sum(requests) > 0",
    )
    return {user: (int(requests), int(cost)) for user, requests, cost in rows}


def is_right(warehouse: Client) -> bool:
    found = reconcile(warehouse)
    assert [str(difference) for difference in found.differences] == []
    unfinished = "SELECT (SELECT count() FROM repairs FINAL WHERE state != 'done'), (SELECT count() FROM jobs FINAL "
    return answer(warehouse, f"{unfinished}WHERE state != 'done')") == [(0, 0)]


def book(revision: int) -> PriceBook:
    """A token costs as many times the first price as the revision says."""
    usd = Decimal(INPUT_NANO_USD * revision) / 1000
    row = PriceRow("maker", "large", "Large", "", "input_mtok", usd, 1_000_000, 0, "test")
    return PriceBook.from_rows([row], revision=revision)


def credits_table(revision: int) -> MultiplierTable:
    """A request costs as many credits as the revision says."""
    return MultiplierTable.from_rows([MultiplierRow("maker", "large", 1000 * revision, "test")], revision=revision)


def with_revisions() -> Rules:
    given = rules()
    books = Books.of(book(1), credits_table(1))
    books.load_prices, books.load_multipliers = book, credits_table
    return Rules(given.routing, given.times, books)


def switched(warehouse: Client, kind: str, revision: int) -> Told:
    """The record that puts a revision in force, which is stored before."""
    digest = "a" * 64
    row = [kind, "", revision, digest]
    warehouse.insert("config_revisions", [row], column_names=["kind", "organization", "revision", "content_hash"])
    body = {"subject": kind, "revision": revision, "content_hash": digest}
    return Told("config", body, organization="", number=900 + 10 * revision + len(kind))


NEW = Sent(4, LATER.time, user="u1", input_tokens=3)
LOOKS = 20
TABLES = ("usage_raw", "rollup", "rollup_thread", "rollup_prompt", "rollup_category")


def came_back(warehouse: Client, sink: Sink, folder: Path) -> list[Posted | Told]:
    """u1 is erased for good, uses the installation again, and a frozen process writes what it had of him before."""
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), Told("erase", {"user_id": "u1"})]
    live(sink, folder, posted[:1])
    for table in TABLES:
        warehouse.command(f"CREATE OR REPLACE TABLE late_{table} AS {table}")
        warehouse.command(f"INSERT INTO late_{table} SELECT * FROM {table}")
    posted.append(Posted((NEW, SECOND)))
    live(sink, folder, posted[:2])
    warehouse.command("ALTER TABLE erasures UPDATE due = now64(3) - 1 WHERE 1 SETTINGS mutations_sync = 2")
    complete(warehouse, sink, folder, posted)
    return posted


def complete(warehouse: Client, sink: Sink, folder: Path, posted: list[Posted | Told]) -> None:
    """Lives until the files that the erasure replaced are gone."""
    for _ in range(LOOKS):
        live(sink, folder, posted)
        if answer(warehouse, "SELECT toString(state) FROM erasures FINAL") == [("complete",)]:
            return
    raise AssertionError("the erasure is not complete")


def bring_back(warehouse: Client) -> None:
    for table in TABLES:
        warehouse.command(
            f"INSERT INTO {table} (* EXCEPT ver) SELECT * FROM late_{table}"
            if table != "usage_raw"
            else f"INSERT INTO {table} SELECT * FROM late_{table}"
        )
        warehouse.command(f"DROP TABLE late_{table}")


def stored(warehouse: Client) -> list[tuple[Any, ...]]:
    """Every event and every quarter hour that counts something."""
    found = answer(warehouse, "SELECT user_id, time, input_tokens FROM usage_raw FINAL ORDER BY ALL")
    for table in TABLES[1:]:
        found += answer(
            warehouse, f"SELECT * EXCEPT (offset, epoch) FROM {table} FINAL WHERE requests > 0 ORDER BY ALL"
        )
    return found


NOBODY = "SELECT (SELECT count() FROM erased_users) + (SELECT count() FROM erased_events)"
