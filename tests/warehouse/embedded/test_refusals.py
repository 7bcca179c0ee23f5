"""Errors as a server gives them: status, code, name and a sentence."""

import base64

import httpx
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.warehouse.embedded.running_warehouse import RunningWarehouse

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("sql", "code", "status", "name"),
    [
        ("SELEC 1", 62, 400, "SYNTAX_ERROR"),
        ("", 62, 400, "SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", 62, 400, "SYNTAX_ERROR"),
        ("SELECT nothing", 47, 404, "UNKNOWN_IDENTIFIER"),
        ("SELECT no_such_function()", 46, 404, "UNKNOWN_FUNCTION"),
        ("SELECT * FROM nothing", 60, 404, "UNKNOWN_TABLE"),
        ("SELECT * FROM nothing.nothing", 81, 404, "UNKNOWN_DATABASE"),
        ("SELECT toUInt8('x')", 6, 400, "CANNOT_PARSE_TEXT"),
        ("SELECT sleep(1) FROM numbers(3) SETTINGS max_execution_time = 0.2", 159, 408, "TIMEOUT_EXCEEDED"),
        ("SELECT 1 INTO OUTFILE '/tmp/never'", 344, 500, "SUPPORT_IS_DISABLED"),
    ],
)
def test_errors_have_clickhouses_shape(
    warehouse: RunningWarehouse, sql: str, code: int, status: int, name: str
) -> None:
    response = warehouse.post(sql)
    assert (response.status_code, response.headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert response.text.startswith(f"Code: {code}. DB::Exception: ")
    assert f"({name}) (version " in response.text
    assert response.headers["X-ClickHouse-Query-Id"]


@pytest.mark.parametrize(
    ("parameters", "code", "said"),
    [
        ({"no_such_setting": "1"}, 115, "no_such_setting"),
        ({"role": "boss"}, 511, "`boss`"),
        ({"database": "nowhere"}, 81, "nowhere"),
        ({"decompress": "1"}, 48, "decompress=1"),
        ({"query_id": "two words"}, 36, "query_id"),
        ({"default_format": "a'b"}, 36, "name of a format"),
    ],
)
def test_parameters_that_cannot_be_honoured_are_refused(
    warehouse: RunningWarehouse, parameters: dict[str, str], code: int, said: str
) -> None:
    assert said in warehouse.refuses("SELECT 1", code, **parameters)


def test_the_client_raises_with_code_and_name(warehouse: RunningWarehouse) -> None:
    client = warehouse.client()
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE") as caught:
        client.query("SELECT * FROM nothing")
    assert (caught.value.code, caught.value.name) == (60, "UNKNOWN_TABLE")
    client.close()


def test_a_get_reads_and_never_writes(warehouse: RunningWarehouse, table: str) -> None:
    def get(sql: str) -> httpx.Response:
        url = f"http://127.0.0.1:{warehouse.port}/"
        return httpx.get(url, params={"query": sql}, auth=("tally", "tally-secret"))

    assert get("SELECT 1").text == "1\n"
    for sql in (f"DROP TABLE {table}", f"INSERT INTO {table} VALUES (1, 'x')", f"INSERT INTO {table} SELECT 1, 'x'"):
        assert get(sql).headers["X-ClickHouse-Exception-Code"] == "164"
    assert warehouse.ask(f"SELECT count() FROM {table}") == "0"


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "parameters"),
    [
        ({}, {}),
        (basic("tally:wrong"), {}),
        (basic("nobody:tally-secret"), {}),
        ({"Authorization": "Basic !!"}, {}),
        ({"Authorization": "Bearer tally-secret"}, {}),
        ({"X-ClickHouse-User": "tally", "X-ClickHouse-Key": "wrong"}, {}),
        ({}, {"user": "tally", "password": "wrong"}),
    ],
)
def test_who_does_not_sign_in_gets_nothing(
    warehouse: RunningWarehouse, headers: dict[str, str], parameters: dict[str, str]
) -> None:
    url = f"http://127.0.0.1:{warehouse.port}/"
    response = httpx.post(url, content="SELECT 1", headers=headers, params=parameters)
    assert (response.status_code, response.headers["X-ClickHouse-Exception-Code"]) == (401, "516")


@pytest.mark.parametrize(
    ("headers", "parameters"),
    [
        (basic("tally:tally-secret"), {}),
        ({"X-ClickHouse-User": "tally", "X-ClickHouse-Key": "tally-secret"}, {}),
        ({}, {"user": "tally", "password": "tally-secret"}),
    ],
)
def test_all_ways_to_sign_in(warehouse: RunningWarehouse, headers: dict[str, str], parameters: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{warehouse.port}/"
    assert httpx.post(url, content="SELECT 1", headers=headers, params=parameters).text == "1\n"


def test_health_needs_no_password(warehouse: RunningWarehouse) -> None:
    url = f"http://127.0.0.1:{warehouse.port}"
    assert httpx.get(url + "/ping").text == httpx.get(url + "/replicas_status").text == "Ok.\n"
    assert httpx.get(url + "/nothing").status_code == 404
    assert httpx.get(url + "/", auth=("tally", "tally-secret")).text == "Ok.\n"
