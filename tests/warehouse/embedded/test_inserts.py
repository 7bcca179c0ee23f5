"""Inserts by the unmodified client and over plain HTTP: every row arrives or the insert is refused."""

import gzip
import uuid
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import lz4.frame
import pyarrow as pa
import pytest
import zstandard
from clickhouse_connect.driver.client import Client

from tests.warehouse.embedded.running_warehouse import RunningWarehouse

pytestmark = pytest.mark.integration

ROWS = 500_000
COMPRESSORS = {
    "lz4": lz4.frame.compress,
    "zstd": zstandard.compress,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", False])
def test_all_rows_of_a_large_insert_arrive_in_every_compression(
    warehouse: RunningWarehouse, table: str, compression: str | bool
) -> None:
    client = warehouse.client(compress=compression)
    summary = client.insert(table, [list(range(ROWS)), ["x"] * ROWS], ["a", "b"], column_oriented=True)
    assert summary.written_rows == ROWS
    assert client.query(f"SELECT count(), sum(a) FROM {table}").first_row == (ROWS, ROWS * (ROWS - 1) // 2)
    client.close()


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_every_frame_of_a_body_counts_and_a_cut_one_costs_the_insert(
    warehouse: RunningWarehouse, table: str, encoding: str
) -> None:
    frame = COMPRESSORS[encoding](b"1\tx\n" * 1000)
    headers = {"Content-Encoding": encoding}
    query = f"INSERT INTO {table} FORMAT TSV"
    assert warehouse.post(frame * 3, headers=headers, query=query).status_code == 200
    cut = warehouse.post(frame * 2 + frame[:-5], headers=headers, query=query)
    assert (cut.status_code, cut.headers["X-ClickHouse-Exception-Code"]) == (400, "271")
    assert warehouse.ask(f"SELECT count() FROM {table}") == "3000"


def test_arrow_with_ids_of_16_bytes_fills_a_uuid_column(warehouse: RunningWarehouse, client: Client) -> None:
    ids = [uuid.uuid4() for _ in range(100)]
    warehouse.ask("CREATE TABLE ids (id UUID) ENGINE = MergeTree ORDER BY id")
    client.insert_arrow("ids", pa.table({"id": pa.array([one.bytes for one in ids], pa.binary(16))}))
    assert {row[0] for row in client.query("SELECT id FROM ids").result_rows} == set(ids)


@pytest.mark.parametrize(
    ("data_format", "data"),
    [
        ("CSV", b"1,x\n2,y\n"),
        ("JSONEachRow", b'{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n'),
        ("RowBinary", b"\1\0\0\0\0\0\0\0\1x\2\0\0\0\0\0\0\0\1y"),
        ("Native", b"\2\2\1a\6UInt64\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1b\6String\1x\1y"),
        ("Values", b"(1, 'x'), (1 + 1, 'y')"),
    ],
)
@pytest.mark.parametrize("place", ["body", "address"])
def test_data_may_follow_the_statement_or_stand_alone_in_the_body(
    warehouse: RunningWarehouse, table: str, place: str, data_format: str, data: bytes
) -> None:
    statement = f"INSERT INTO {table} FORMAT {data_format}"
    if place == "body":
        response = warehouse.post(statement.encode() + b"\n" + data)
    else:
        response = warehouse.post(data, query=statement)
    assert response.status_code == 200, response.text
    assert '"written_rows":"2"' in response.headers["X-ClickHouse-Summary"]
    assert warehouse.ask(f"SELECT * FROM {table}") == "1\tx\n2\ty"


def test_bytes_that_are_no_text_stay_as_they_are(warehouse: RunningWarehouse, table: str) -> None:
    warehouse.ask(b"INSERT INTO " + table.encode() + b" VALUES (1, '\xff\x00\xfe')")
    assert warehouse.ask(b"SELECT hex(b), b = '\xff\x00\xfe' FROM " + table.encode()) == "FF00FE\t1"


@pytest.mark.parametrize(
    "select", ["SELECT number, 'x' FROM numbers(5)", "(SELECT 1, 'x') ", "WITH y AS (SELECT 1, 'x') SELECT * FROM y"]
)
def test_insert_select(warehouse: RunningWarehouse, table: str, select: str) -> None:
    warehouse.ask(f"INSERT INTO {table} {select}")
    assert int(warehouse.ask(f"SELECT count() FROM {table}")) >= 1


def test_bound_values_work_beside_data(warehouse: RunningWarehouse, table: str) -> None:
    warehouse.ask(b"1,x\n", query="INSERT INTO {name:Identifier} FORMAT CSV", param_name=table)
    assert warehouse.ask(f"SELECT count() FROM {table}") == "1"


def test_what_would_lose_the_data_is_refused(warehouse: RunningWarehouse, table: str) -> None:
    select = f"INSERT INTO {table} SELECT a, b FROM input('a UInt64, b String') FORMAT CSV"
    assert "insert into the table itself" in warehouse.refuses(b"1,x\n", 48, query=select)
    warehouse.refuses(f"INSERT INTO {table} FROM INFILE '/etc/passwd' FORMAT CSV", 344)


def test_an_insert_without_data_inserts_nothing(warehouse: RunningWarehouse, table: str) -> None:
    for statement in (f"INSERT INTO {table} FORMAT CSV", f"INSERT INTO {table}", f"INSERT INTO {table} VALUES"):
        warehouse.ask(statement)
    assert warehouse.ask(f"SELECT count() FROM {table}") == "0"


def test_a_bad_row_costs_the_whole_insert_and_says_which(warehouse: RunningWarehouse, table: str) -> None:
    assert "at row 2" in warehouse.refuses(f"INSERT INTO {table} FORMAT CSV\n1,x\noops,y\n", 27)
    assert warehouse.ask(f"SELECT count() FROM {table}") == "0"


def test_a_body_larger_than_memory_should_hold_is_inserted_while_it_arrives(
    warehouse: RunningWarehouse, table: str
) -> None:
    line, lines, pieces = b"1\t" + b"x" * 97 + b"\n", 10_000, 48

    def body() -> Iterator[bytes]:
        for _ in range(pieces):
            yield line * lines

    response = httpx.post(
        f"http://127.0.0.1:{warehouse.port}/",
        content=body(),
        params={"query": f"INSERT INTO {table} FORMAT TSV"},
        auth=("tally", "tally-secret"),
        timeout=60,
    )
    assert response.status_code == 200, response.text
    assert warehouse.ask(f"SELECT count() FROM {table}") == str(lines * pieces)


def test_inserts_are_on_disk_when_they_are_acknowledged(warehouse: RunningWarehouse) -> None:
    assert warehouse.ask("SELECT getSetting('async_insert')") == "false"


WRITING_FAILS = {
    "CREATE TABLE small (a Int64, CONSTRAINT small CHECK a < 5) ENGINE = MergeTree ORDER BY a": ("small", 469),
    "CREATE TABLE parts (a Int64) ENGINE = MergeTree ORDER BY a "
    "SETTINGS parts_to_throw_insert = 1, parts_to_delay_insert = 1": ("parts", 252),
    "CREATE TABLE seen (a Int64) ENGINE = MergeTree ORDER BY a": ("seen", 395),
}


@pytest.mark.parametrize("definition", WRITING_FAILS)
def test_what_fails_while_rows_are_written_is_not_acknowledged(warehouse: RunningWarehouse, definition: str) -> None:
    """chDB's own inserter says that the rows were written."""
    name, code = WRITING_FAILS[definition]
    warehouse.ask(definition)
    if name == "seen":
        warehouse.ask("CREATE TABLE views (a UInt8) ENGINE = MergeTree ORDER BY a")
        warehouse.ask("CREATE MATERIALIZED VIEW view TO views AS SELECT throwIf(a = 9) AS a FROM seen")
    warehouse.ask(f"INSERT INTO {name} FORMAT TSV\n1\n")
    warehouse.refuses(f"INSERT INTO {name} FORMAT TSV\n9\n", code)
    for each in [name, *(["view", "views"] if name == "seen" else [])]:
        warehouse.ask(f"DROP TABLE {each}")


def test_what_others_do_wrong_is_not_held_against_an_insert(warehouse: RunningWarehouse) -> None:
    warehouse.ask("CREATE TABLE fine (a Int64) ENGINE = MergeTree ORDER BY a")
    with ThreadPoolExecutor() as pool:
        wrong = [pool.submit(warehouse.refuses, "SELECT nothing FROM nowhere", 60) for _ in range(20)]
        for _ in range(10):
            warehouse.ask("INSERT INTO fine FORMAT TSV\n1\n")
        for each in wrong:
            each.result()
    assert warehouse.ask("SELECT count() FROM fine") == "10"
    warehouse.ask("DROP TABLE fine")
