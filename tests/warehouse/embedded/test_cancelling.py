"""Statements end when they are killed, when their client has gone, and are refused when the line is too long."""

import socket
import threading
from base64 import b64encode

import httpx
import pytest

from tests.warehouse.embedded.running_warehouse import RunningWarehouse, wait_for

pytestmark = pytest.mark.integration

ENDLESS = "SELECT sum(sipHash64(number, {seed:UInt64})) FROM numbers(1000000000000)"


def test_kill_query_by_the_clients_id(warehouse: RunningWarehouse) -> None:
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(warehouse.post(ENDLESS, query_id="to-kill", param_seed=1, log_comment="mine"))

    thread = threading.Thread(target=ask)
    thread.start()
    warehouse.wait_until_it_runs("to-kill")
    warehouse.refuses("SELECT 1", 216, query_id="to-kill")
    assert "to-kill" not in warehouse.ask("KILL QUERY WHERE query_id = 'to-kill' SYNC")
    thread.join()
    assert answers[0].headers["X-ClickHouse-Exception-Code"] == "394"


def test_a_statement_without_output_ends_when_its_client_goes(warehouse: RunningWarehouse) -> None:
    sql = ENDLESS.encode()
    with socket.create_connection(("127.0.0.1", warehouse.port)) as connection:
        sign_in = b64encode(b"analyst:analyst-secret").decode()
        head = f"POST /?query_id=left&param_seed=2 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {sign_in}\r\n"
        connection.sendall(head.encode() + f"Content-Length: {len(sql)}\r\n\r\n".encode() + sql)
        warehouse.wait_until_it_runs("left")
    wait_for(lambda: not warehouse.runs("left"))


def test_a_stream_ends_when_its_client_goes(warehouse: RunningWarehouse) -> None:
    with httpx.stream(
        "POST",
        f"http://127.0.0.1:{warehouse.port}/",
        content="SELECT number FROM numbers(1000000000000) FORMAT RowBinary",
        params={"query_id": "stream-left"},
        auth=("tally", "tally-secret"),
    ) as response:
        chunks = response.iter_raw()
        next(chunks)
        assert warehouse.runs("stream-left")
    wait_for(lambda: not warehouse.runs("stream-left"))


def test_an_upload_that_breaks_off_inserts_nothing(warehouse: RunningWarehouse, table: str) -> None:
    with socket.create_connection(("127.0.0.1", warehouse.port)) as connection:
        sign_in = b64encode(b"tally:tally-secret").decode()
        address = f"/?query_id=broken-off&query=INSERT+INTO+{table}+FORMAT+TSV"
        head = f"POST {address} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {sign_in}\r\nContent-Length: 1000\r\n\r\n"
        connection.sendall(head.encode() + b"1\tx\n2\ty\n")
    log = warehouse.home / "logs" / "warehouse_queries.log"
    wait_for(lambda: '"broken-off"' in log.read_text())
    assert warehouse.ask(f"SELECT count() FROM {table}") == "0"


def test_a_line_that_is_too_long_is_told_so_and_the_other_lane_is_free(own_warehouse: RunningWarehouse) -> None:
    own_warehouse.environment = {"TALLY_WAREHOUSE_THREADS": "1", "TALLY_WAREHOUSE_WAITING_MAX": "0"}
    own_warehouse.start()
    asked = {"param_seed": 3, "query_id": "only-one"}
    thread = threading.Thread(target=own_warehouse.post, args=(ENDLESS, "analyst"), kwargs=asked)
    thread.start()
    own_warehouse.wait_until_it_runs("only-one")
    assert own_warehouse.post("SELECT 1", "acme").status_code == 503
    own_warehouse.refuses("SELECT 1", 202, "acme")
    assert own_warehouse.ask("SELECT 1") == "1"
    thread.join()
    assert own_warehouse.ask("SELECT 1", "acme") == "1"
