"""The log of statements: one line each, without data, without secrets, in files that rotate."""

import json
from pathlib import Path

import pytest

from warehouse.embedded.engine import QueryStats
from warehouse.embedded.query_log import LoggedQuery, QueryLog, shown


def test_a_line_says_who_ran_what_and_how_much_came_of_it(tmp_path: Path) -> None:
    log = QueryLog(tmp_path / "logs" / "q.log", 1)
    log.write(LoggedQuery("id-1", "api", b"SELECT\n  1", 12.34, QueryStats(read_rows=5, result_rows=1), 2, 0))
    log.close()
    line = json.loads((tmp_path / "logs" / "q.log").read_text())
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "query_id": "id-1",
        "user": "api",
        "ms": 12.3,
        "read_rows": 5,
        "written_rows": 0,
        "result_rows": 1,
        "sent_bytes": 2,
        "code": 0,
        "sql": "SELECT 1",
    }


@pytest.mark.parametrize(
    "sql",
    [
        b"CREATE DICTIONARY d (a Int8) SOURCE(MYSQL(USER 'u' PASSWORD 'hush'))",
        b"INSERT INTO FUNCTION s3('http://x', 'key', 'hush') SELECT 1",
        b"SELECT * FROM " + b" " * 5000 + b"remote('x', 'db.t', 'u', 'hush')",
    ],
)
def test_statements_that_may_hold_secrets_are_not_shown(sql: bytes) -> None:
    assert "hush" not in shown(sql)


def test_long_statements_are_cut() -> None:
    assert len(shown(b"SELECT " + b"x" * 100_000)) < 600


def test_files_rotate(tmp_path: Path) -> None:
    log = QueryLog(tmp_path / "q.log", 1)
    line = LoggedQuery("id", "api", b"SELECT " + b"x" * 1000, 1, QueryStats(), 2, 0)
    for _ in range(1 << 20 >> 9):
        log.write(line)
    log.close()
    assert {path.name for path in tmp_path.iterdir()} == {"q.log", "q.log.1"}
    assert all(path.stat().st_size <= 1 << 20 for path in tmp_path.iterdir())


def test_statements_are_shown_without_their_literals() -> None:
    sql = rb"SELECT 1 FROM usage_events WHERE user_id = 'ann''s \' b' AND model IN ('m1', 'm2') AND x = 'cut off"
    assert shown(sql) == "SELECT 1 FROM usage_events WHERE user_id = '…' AND model IN ('…', '…') AND x = '…'"
