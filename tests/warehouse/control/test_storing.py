"""A revision exists whole or not at all, under a number that nobody else has or began with."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.control.asked import NOW
from tests.warehouse.engine import Engine
from warehouse.control import storing
from warehouse.control.revisions import Revision
from warehouse.control.storing import Draft, rows_hash
from warehouse.control.unpublished import Unpublished
from warehouse.errors import StoredMeanwhile, WarehouseUnavailable
from warehouse.queries.query import ask

pytestmark = pytest.mark.integration


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.database() as (client, _):
        yield client


def row(model: str, milli: int = 1000, organization: str = "") -> dict[str, Any]:
    said = {"organization": organization, "provider": "maker", "model": model, "multiplier_milli": milli}
    return {
        **said,
        "ended": False,
        "tier": "standard",
        "effective_from": NOW,
        "author": "ada",
        "note": "",
        "source": "",
        "created": NOW,
    }


def draft(*rows: dict[str, Any], organization: str = "") -> Draft:
    return Draft("multipliers", organization, {"multipliers": rows}, "ada", "why", "hand")


def store(client: Client, *rows: dict[str, Any], organization: str = "") -> Revision:
    return storing.store(client, draft(*rows, organization=organization), NOW)


def stored(client: Client) -> list[tuple[Any, ...]]:
    sql = "SELECT organization, revision, author, note, source FROM config_revisions FINAL ORDER BY revision"
    return [tuple(each) for each in client.query(sql).result_rows]


def test_everyone_and_every_organization_count_by_one_counter(client: Client) -> None:
    made = [store(client, row("a")), store(client, row("a", 2, "acme"), organization="acme"), store(client, row("b"))]
    assert [each.revision for each in made] == [1, 2, 3]
    assert stored(client) == [
        (owner, number, "ada", "why", "hand") for number, owner in ((1, ""), (2, "acme"), (3, ""))
    ]


def test_an_owner_may_have_nothing_any_more(client: Client) -> None:
    store(client, row("a"))
    assert store(client, organization="acme").revision == 2


def test_a_number_that_somebody_began_with_is_not_used_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    store(client, row("a"))
    insert = storing._insert

    def dies(client: Client, table: str, records: Any) -> None:
        if table == "config_revisions":
            raise WarehouseUnavailable("killed here")
        insert(client, table, records)

    with monkeypatch.context() as patch:
        patch.setattr(storing, "_insert", dies)
        with pytest.raises(WarehouseUnavailable):
            store(client, row("dead"))
    assert store(client, row("b")).revision == 3
    assert [entry[1] for entry in stored(client)] == [1, 3]
    models = client.query("SELECT model FROM multipliers FINAL WHERE revision = 3").result_rows
    assert [name for (name,) in models] == ["b"]


@pytest.mark.parametrize("whose", ["", "acme"])
def test_two_that_store_under_one_number_are_told(client: Client, monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
    store(client, row("a"))
    monkeypatch.setattr(storing, "_next_number", lambda *_: 2)
    store(client, row("b"))
    with pytest.raises(
        StoredMeanwhile, match="multipliers revision 2 was stored by somebody else meanwhile: ask again"
    ):
        store(client, row("c", organization=whose), organization=whose)


def test_other_tables_of_a_kind_are_stored_again_as_they_are(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(storing.TABLES, "multipliers", ("multipliers", "prices"))
    store(client, row("a"), row("b", 2))
    others = storing.other_tables(client, "multipliers", "", 1, "prices")["multipliers"]
    assert len(others) == 2
    again = Draft("multipliers", "", {"multipliers": others}, "ada", "", "")
    assert storing.store(client, again, NOW + timedelta(hours=1)).revision == 2
    same = "SELECT * EXCEPT revision FROM multipliers FINAL WHERE revision = {} ORDER BY model"
    assert client.query(same.format(1)).result_rows == client.query(same.format(2)).result_rows


def test_what_no_record_names_is_unpublished(client: Client) -> None:
    first, second, third = store(client, row("a")), store(client, row("b")), store(client, organization="acme")
    assert [each.revision for each in ask(client, Unpublished("multipliers"))] == [second, third]
    columns = ["control_id", "kind", "organization", "body"]
    body = f'{{"subject": "multipliers", "revision": 2, "content_hash": "{second.content_hash}"}}'
    client.insert("control_records", [[second.control_id, "config", "", body]], column_names=columns)
    (left,) = ask(client, Unpublished("multipliers"))
    assert (left.revision, left.author, left.note) == (third, "ada", "why")
    assert ask(client, Unpublished("prices")) == []
    assert first.control_id != second.control_id


def test_the_hash_is_of_what_rows_say_not_of_when() -> None:
    rows = {"multipliers": [row("a")]}
    assert rows_hash(rows) == rows_hash({"multipliers": [row("a") | {"created": NOW + timedelta(1)}]})
    assert rows_hash(rows) != rows_hash({"multipliers": [row("a", 2)]})
