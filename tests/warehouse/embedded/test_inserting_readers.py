"""Readers who may insert into some tables: plain rows into those, and nothing else whatever the statement's shape."""

import json
from collections.abc import Iterator

import pytest

from tests.warehouse.embedded.running_warehouse import RunningWarehouse

pytestmark = pytest.mark.integration
ROW = b'\n{"a": 7, "b": "x"}\n'


@pytest.fixture(autouse=True)
def tables(warehouse: RunningWarehouse) -> Iterator[None]:
    for name in ("default.notes", "default.other"):
        warehouse.ask(f"CREATE TABLE {name} (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    warehouse.ask("CREATE DATABASE IF NOT EXISTS elsewhere")
    warehouse.ask("CREATE TABLE elsewhere.notes (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    yield
    for name in ("default.notes", "default.other", "elsewhere.notes"):
        warehouse.ask(f"DROP TABLE {name} SYNC")


def rows(warehouse: RunningWarehouse) -> int:
    names = ("default.notes", "default.other", "elsewhere.notes")
    return sum(int(warehouse.ask(f"SELECT count() FROM {name}")) for name in names)


@pytest.mark.parametrize(
    "head",
    [
        "INSERT INTO notes FORMAT JSONEachRow",
        "insert into default.notes (a, b) format JSONEachRow",
        "INSERT INTO TABLE `default`.`notes`(`b`, a) FORMAT JSONEachRow",
    ],
)
def test_plain_rows_into_its_table(warehouse: RunningWarehouse, head: str) -> None:
    warehouse.ask(head.encode() + ROW, "inserting")
    assert json.loads(warehouse.ask("SELECT a, b FROM notes FORMAT JSONEachRow")) == {"a": 7, "b": "x"}


def test_an_unmodified_client(warehouse: RunningWarehouse) -> None:
    client = warehouse.client("inserting", autogenerate_session_id=False)
    client.insert("notes", [[1, "x"], [2, "y"]], column_names=["a", "b"])
    assert client.query("SELECT sum(a) FROM notes").result_rows == [(3,)]
    client.close()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO other FORMAT JSONEachRow",
        "INSERT INTO elsewhere.notes FORMAT JSONEachRow",
        "INSERT INTO `other` FORMAT JSONEachRow",
        "INSERT INTO FUNCTION file('x.json') FORMAT JSONEachRow",
        "INSERT INTO TABLE FUNCTION remote('127.0.0.1', default, other) FORMAT JSONEachRow",
        "INSERT INTO notes SETTINGS async_insert = 1 FORMAT JSONEachRow",
        "INSERT INTO notes (* EXCEPT(b)) FORMAT JSONEachRow",
        "INSERT INTO /* x */ notes FORMAT JSONEachRow",
        "INSERT INTO notes FORMAT Values (file('/etc/passwd'), 'x')",
        "INSERT INTO notes VALUES (1, file('/etc/hostname'))",
        "INSERT INTO notes FORMAT Template",
    ],
)
def test_other_inserts_are_denied(warehouse: RunningWarehouse, sql: str) -> None:
    warehouse.refuses(sql.encode() + ROW, 497, "inserting")
    assert rows(warehouse) == 0


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO notes SELECT 1, 'x'",
        "WITH 1 AS one INSERT INTO notes SELECT one, 'x'",
        "INSERT INTO other SELECT * FROM notes",
        "ALTER TABLE notes DELETE WHERE 1",
        "TRUNCATE TABLE notes",
        "DROP TABLE notes",
        "OPTIMIZE TABLE notes",
        "CREATE TABLE x (a Int8) ENGINE = Memory",
    ],
)
def test_it_stays_a_reader(warehouse: RunningWarehouse, sql: str) -> None:
    warehouse.refuses(sql, 164, "inserting")
    warehouse.refuses("SELECT * FROM file('/etc/passwd', 'LineAsString')", 497, "inserting")
    assert rows(warehouse) == 0


def test_a_database_chosen_by_the_request_counts(warehouse: RunningWarehouse) -> None:
    insert = b"INSERT INTO notes FORMAT JSONEachRow" + ROW
    warehouse.refuses(insert, 497, "inserting", database="elsewhere")
    warehouse.ask(insert, "inserting", database="default")
    assert rows(warehouse) == 1


def test_a_get_and_a_setting_that_it_may_not_choose_are_refused(warehouse: RunningWarehouse) -> None:
    insert = b"INSERT INTO notes FORMAT JSONEachRow" + ROW
    for name, value in {"readonly": "1", "async_insert": "1", "max_memory_usage_for_user": "1"}.items():
        warehouse.refuses(insert, 164, "inserting", **{name: value})
    warehouse.refuses(insert, 164, "analyst")
    assert rows(warehouse) == 0
