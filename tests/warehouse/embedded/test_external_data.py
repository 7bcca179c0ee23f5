"""Tables that come with a query, in a multipart form."""

import httpx
import pytest
from clickhouse_connect.driver.external import ExternalData

from tests.warehouse.embedded.running_warehouse import RunningWarehouse

pytestmark = pytest.mark.integration

ASKED = "SELECT name FROM people WHERE id = {id:UInt8}"


def people() -> ExternalData:
    return ExternalData(
        file_name="people.csv", data=b"1,ann\n2,bob\n", fmt="CSV", structure=["id UInt8", "name LowCardinality(String)"]
    )


@pytest.mark.parametrize("user", ["tally", "analyst", "acme"])
@pytest.mark.parametrize("form", [True, False])
def test_a_query_brings_a_table(warehouse: RunningWarehouse, user: str, form: bool) -> None:
    client = warehouse.client(user, form_encode_query_params=form)
    assert client.query(ASKED, parameters={"id": 2}, external_data=people()).first_row == ("bob",)
    assert client.query(ASKED, parameters={"id": 1}, external_data=people()).first_row == ("ann",)
    client.close()


def test_a_table_is_gone_after_its_query_even_in_a_session(warehouse: RunningWarehouse) -> None:
    client = warehouse.client()
    client.command("SET max_threads = 1")
    for _ in range(2):
        assert client.query("SELECT count() FROM people", external_data=people()).first_row == (2,)
    warehouse.refuses("SELECT count() FROM people", 60, session_id=client.get_client_setting("session_id"))
    client.close()


def test_several_tables_with_types_only(warehouse: RunningWarehouse) -> None:
    data = ExternalData(file_name="one", data=b"1\t1.5\n", types=["UInt8", "Decimal(9, 2)"])
    data.add_file(file_name="two", data=b"\1\0", fmt="RowBinary", types="UInt16")
    client = warehouse.client()
    joined = "SELECT toString(one._2) FROM one JOIN two ON one._1 = two._1"
    assert client.query(joined, external_data=data).first_row == ("1.5",)
    client.close()


def post_form(warehouse: RunningWarehouse, user: str, fields: dict[str, str], **parameters: str) -> httpx.Response:
    return httpx.post(
        f"http://127.0.0.1:{warehouse.port}/",
        params=parameters,
        data=fields,
        files={"t": ("t", b"1\n2\n")},
        auth=(user, f"{user}-secret"),
    )


def test_fields_of_a_form_are_values_and_never_settings(warehouse: RunningWarehouse) -> None:
    fields = {
        "query": "SELECT sum(a) + {plus:UInt8}, getSetting('max_threads') = 63 FROM t",
        "param_plus": "4",
        "t_structure": "a UInt8",
        "max_threads": "63",
        "additional_table_filters": "{}",
    }
    for user in ("tally", "acme"):
        assert post_form(warehouse, user, fields).text == "7\t0\n"


def test_a_structure_cannot_smuggle_a_statement(warehouse: RunningWarehouse) -> None:
    structure = "a UInt8) ENGINE = Memory AS SELECT * FROM file('/etc/passwd', 'LineAsString') --"
    answer = post_form(warehouse, "acme", {"query": "SELECT * FROM t", "t_structure": structure})
    assert answer.status_code == 400
    assert "root:" not in answer.text


def test_a_table_that_nothing_describes_is_refused(warehouse: RunningWarehouse) -> None:
    answer = post_form(warehouse, "tally", {}, query="SELECT * FROM t")
    assert answer.headers["X-ClickHouse-Exception-Code"] == "36"
    assert "t_structure" in answer.text
