"""Answers: streamed at constant memory, compressed on the way, and never half an answer that looks whole."""

import datetime
import json
import uuid
from decimal import Decimal

import httpx
import psutil
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from tests.warehouse.embedded.running_warehouse import RunningWarehouse

pytestmark = pytest.mark.integration

FAILS_LATE = "SELECT throwIf(number = 3000000), number FROM numbers(4000000)"
GROWTH_MAX_BYTES = 150 << 20


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", False])
def test_rows_come_back_as_they_are_in_every_compression(warehouse: RunningWarehouse, compression: str | bool) -> None:
    client = warehouse.client(compress=compression)
    with client.query_column_block_stream("SELECT number, toString(number) FROM numbers(500000)") as blocks:
        totals = [(len(numbers), sum(numbers), sum(map(len, texts))) for numbers, texts in blocks]
    rows, total, characters = (sum(column) for column in zip(*totals, strict=True))
    assert (rows, total, characters) == (500_000, 124_999_750_000, 2_888_890)
    client.close()


@pytest.mark.parametrize("wait", [0, 1])
def test_a_long_answer_needs_no_more_memory_than_a_short_one(warehouse: RunningWarehouse, wait: int) -> None:
    assert warehouse.process is not None
    process = psutil.Process(warehouse.process.pid)
    size, before, most = 0, process.memory_info().rss, 0
    with httpx.stream(
        "POST",
        f"http://127.0.0.1:{warehouse.port}/",
        content="SELECT number, number FROM numbers(25000000) FORMAT RowBinary",
        params={"wait_end_of_query": wait},
        headers={"Accept-Encoding": "identity"},
        auth=("tally", "tally-secret"),
        timeout=60,
    ) as response:
        for at, chunk in enumerate(response.iter_raw()):
            size += len(chunk)
            if at % 100 == 0:
                most = max(most, process.memory_info().rss)
    assert size == 400_000_000
    assert most - before < GROWTH_MAX_BYTES


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", False])
def test_an_error_behind_the_first_rows_is_raised_by_the_client(
    warehouse: RunningWarehouse, compression: str | bool
) -> None:
    client = warehouse.client(compress=compression)
    rows: list[int] = []

    def read() -> None:
        with client.query_column_block_stream(FAILS_LATE) as blocks:
            rows.extend(len(block[0]) for block in blocks)

    with pytest.raises(StreamFailureError, match="FUNCTION_THROW_IF_VALUE_IS_NON_ZERO") as caught:
        read()
    assert caught.value.code == 395
    assert 0 < sum(rows) < 3_000_000
    client.close()


def test_a_client_that_does_not_know_the_framing_sees_a_broken_answer(warehouse: RunningWarehouse) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        warehouse.post(FAILS_LATE)


def test_an_error_behind_the_first_rows_has_its_status_when_the_client_waits(client: Client) -> None:
    with pytest.raises(DatabaseError, match="FUNCTION_THROW_IF_VALUE_IS_NON_ZERO") as caught:
        client.query(FAILS_LATE)
    assert caught.value.code == 395


def test_types_survive(warehouse: RunningWarehouse) -> None:
    client = warehouse.client(tz_mode="aware")
    row = client.query(
        """SELECT toUUID('00000000-0000-0000-0000-000000000001'), map('a', 1), toDecimal128('1.50', 18),
        toDateTime64('2026-01-02 03:04:05.678', 3, 'UTC'), [1, 2], CAST('x', 'LowCardinality(Nullable(String))'),
        CAST(NULL, 'Nullable(Int8)'), CAST('b', 'Enum8(\\'a\\' = 1, \\'b\\' = 2)'),
        toInt128('-170141183460469231731')"""
    ).first_row
    assert row == (
        uuid.UUID(int=1),
        {"a": 1},
        Decimal("1.50"),
        datetime.datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=datetime.UTC),
        [1, 2],
        "x",
        None,
        "b",
        -170141183460469231731,
    )
    client.close()


def test_arrow_answers_are_one_well_formed_stream(client: Client) -> None:
    table = client.query_arrow("SELECT number FROM numbers(300000) SETTINGS max_block_size = 1000")
    assert table.num_rows == 300_000
    with client.query_arrow_stream("SELECT number FROM numbers(300000)") as tables:
        assert sum(table.num_rows for table in tables) == 300_000


def test_bound_values_keep_every_sign(warehouse: RunningWarehouse) -> None:
    values = {"list": ["x", "y'z\\"], "text": "tab\tline\nback\\slash 'quote' é", "nothing": None}
    for form in (False, True):
        client = warehouse.client(form_encode_query_params=form)
        asked = "SELECT {list:Array(String)}, {text:String}, {nothing:Nullable(Int8)}"
        assert client.query(asked, parameters=values).first_row == tuple(values.values())
        assert client.query("SELECT hex($raw$) AS h", parameters={"$raw$": b"\xff\x00'\\"}).first_row == ("FF00275C",)
        client.close()


def test_an_empty_answer_and_a_probe_of_the_columns(client: Client) -> None:
    assert client.query("SELECT 1 AS a WHERE 0").result_rows == []
    assert client.query("SELECT 1 AS a, 'x' AS b LIMIT 0").column_names == ("a", "b")


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT 1;", "1"),
        ("(SELECT 1) -- comment", "1"),
        ("SELECT 1 AS a FORMAT JSONEachRow SETTINGS max_threads = 1", '{"a":1}'),
        ("SELECT 1 UNION ALL SELECT 1", "1\n1"),
        ("SELECT number % 2 AS k, count() FROM numbers(4) GROUP BY k WITH TOTALS ORDER BY k", "0\t2\n1\t2\n\n0\t4"),
        ("EXISTS TABLE usage", "1"),
        ("SELECT 1 WHERE 0", ""),
    ],
)
def test_statements_in_all_shapes(warehouse: RunningWarehouse, sql: str, answer: str) -> None:
    assert warehouse.ask(sql) == answer


def test_every_statement_says_its_id_format_and_figures(warehouse: RunningWarehouse, table: str) -> None:
    for sql, figure in (
        ("SELECT number FROM numbers(7) FORMAT JSON", '"result_rows":"7"'),
        (f"INSERT INTO {table} VALUES (1, 'x')", '"written_rows":"1"'),
        (f"INSERT INTO {table} SELECT 2, 'y'", '"written_rows":"1"'),
        ("SET max_threads = 1", '"elapsed_ns"'),
        (f"ALTER TABLE {table} ADD COLUMN c Int8", '"elapsed_ns"'),
    ):
        response = warehouse.post(sql, query_id="the-id-" + str(len(sql)))
        assert response.headers["X-ClickHouse-Query-Id"] == "the-id-" + str(len(sql))
        assert response.headers["X-ClickHouse-Timezone"] == "UTC"
        assert figure in response.headers["X-ClickHouse-Summary"]
        assert all(isinstance(value, str) for value in json.loads(response.headers["X-ClickHouse-Summary"]).values())
    assert warehouse.post("SELECT 1 FORMAT JSON").headers["X-ClickHouse-Format"] == "JSON"
    assert warehouse.post("SELECT 1").headers["Content-Type"] == "text/tab-separated-values; charset=UTF-8"
    assert warehouse.post("SELECT 1", default_format="CSV").headers["X-ClickHouse-Format"] == "CSV"


def test_the_protocol_version_of_a_client_changes_nothing(warehouse: RunningWarehouse) -> None:
    native = "SELECT 1 AS check FORMAT Native"
    assert warehouse.post(native, client_protocol_version=54405).content == warehouse.post(native).content


def test_statements_are_in_the_log_under_their_id(warehouse: RunningWarehouse) -> None:
    warehouse.ask("SELECT number AS findable FROM numbers(3)", query_id="in-the-log")
    warehouse.post("SELECT 1", user="tally", query_id="no-password", password="not-to-be-logged")
    text = (warehouse.home / "logs" / "warehouse_queries.log").read_text()
    [line] = [json.loads(line) for line in text.splitlines() if '"in-the-log"' in line]
    assert (line["user"], line["result_rows"], line["code"]) == ("tally", 3, 0)
    assert "findable" in line["sql"]
    assert "not-to-be-logged" not in text
    assert "tally-secret" not in text + (warehouse.home / "output").read_text()


def test_connecting_again_gets_the_same_answers(warehouse: RunningWarehouse) -> None:
    first, again, reader = warehouse.client(), warehouse.client(), warehouse.client("analyst")
    assert first.server_settings.keys() == again.server_settings.keys()
    assert first.server_version == again.server_version
    assert not first.server_settings["max_threads"].readonly
    assert reader.server_settings["max_threads"].readonly
    for made in (first, again, reader):
        made.close()
