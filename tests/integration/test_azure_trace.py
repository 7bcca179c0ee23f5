"""The Azure code trace, imported for real: every number equals an independent computation in fractions."""

import csv
import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from deploy.local.installation import Installation
from tests.running import Tally, until

pytestmark = pytest.mark.integration

TRACE = Path(__file__).parents[1] / "data/azure_llm_code_2023.csv"
ORGANIZATION = "azure-trace-test"
# Public list price of gpt-4o per token.
INPUT_USD, OUTPUT_USD = Fraction("2.5") / 10**6, Fraction(10) / 10**6


@dataclass(frozen=True)
class Truth:
    requests: int
    input_tokens: int
    output_tokens: int
    cost_nano_usd: int


def truth() -> Truth:
    """Plain Python over the file: no code of the project."""
    requests = given = generated = cost = 0
    with TRACE.open(newline="") as lines:
        for row in csv.DictReader(lines):
            context, output = int(row["ContextTokens"]), int(row["GeneratedTokens"])
            requests, given, generated = requests + 1, given + context, generated + output
            exact = (context * INPUT_USD + output * OUTPUT_USD) * 10**9
            assert exact.denominator == 1
            cost += int(exact)
    return Truth(requests, given, generated, cost)


@pytest.fixture(scope="module")
def imported(tally: Tally) -> Truth:
    import_trace(tally)
    return truth()


def import_trace(tally: Tally, *more: str) -> None:
    tally(
        *("import", str(TRACE), "--format", "azure-trace", "--organization", ORGANIZATION),
        *("--provider", "openai", "--model", "gpt-4o", *more),
    )


def one(warehouse: Client, sql: str) -> Truth:
    answer = warehouse.query(sql, parameters={"organization": ORGANIZATION}).result_rows[0]
    return Truth(*(int(value) for value in answer))


def raw(warehouse: Client) -> Truth:
    return one(
        warehouse,
        "SELECT count(), sum(input_tokens), sum(output_tokens), sum(cost_nano_usd) FROM usage_raw FINAL "
        "WHERE organization = {organization:String}",
    )


def rollup(warehouse: Client, grain: str) -> Truth:
    return one(
        warehouse,
        "SELECT sum(requests), sum(input_tokens), sum(output_tokens), sum(cost_nano_usd) FROM rollup FINAL "
        f"WHERE organization = {{organization:String}} AND grain = '{grain}'",
    )


def view(warehouse: Client, name: str) -> Truth:
    return one(
        warehouse,
        "SELECT sum(requests), sum(input_tokens), sum(output_tokens), sum(cost_usd) * 1000000000 "
        f"FROM {name} WHERE organization = {{organization:String}}",
    )


def test_the_trace_is_the_published_one() -> None:
    assert truth().requests == 8819


def test_raw_events_equal_the_truth(imported: Truth, warehouse: Client) -> None:
    assert raw(warehouse) == imported


@pytest.mark.parametrize("grain", ["quarter", "hour", "day", "week"])
def test_every_grain_equals_the_truth(grain: str, imported: Truth, warehouse: Client) -> None:
    until(f"{grain} rows", lambda: rollup(warehouse, grain) == imported)


@pytest.mark.parametrize(
    "name", ["usage_quarter_hourly", "usage_hourly", "usage_daily", "usage_weekly", "usage_monthly"]
)
def test_every_view_equals_the_truth(name: str, imported: Truth, warehouse: Client) -> None:
    assert view(warehouse, name) == imported


def test_the_events_view_equals_the_truth(imported: Truth, warehouse: Client) -> None:
    found = one(
        warehouse,
        "SELECT count(), sum(input_tokens), sum(output_tokens), sum(cost_usd) * 1000000000 FROM usage_events "
        "WHERE organization = {organization:String} AND cost_status = 'priced' AND priced_as = 'openai/gpt-4o'",
    )
    assert found == imported


def test_the_api_equals_the_truth(imported: Truth, installation: Installation, key: str) -> None:
    period = {"from": "2023-11-01", "to": "2023-12-01"}
    query = urllib.parse.urlencode({"organization": ORGANIZATION, "by": "model", **period})
    answer = get(installation, key, f"/v1/usage/breakdown?{query}")
    (row,) = answer["parts"]
    assert row["value"] == "gpt-4o"
    assert row["requests"] == imported.requests
    assert Fraction(row["cost_usd"]) * 10**9 == imported.cost_nano_usd
    assert row["total_input_tokens"] == imported.input_tokens
    assert row["total_output_tokens"] == imported.output_tokens


def get(installation: Installation, key: str, path: str) -> Any:
    address = f"http://127.0.0.1:{installation.plan.ports.api}{path}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_importing_it_again_changes_nothing(imported: Truth, tally: Tally, warehouse: Client) -> None:
    import_trace(tally, "--again")
    assert raw(warehouse) == imported
    assert view(warehouse, "usage_daily") == imported
    import_trace(tally)
    assert view(warehouse, "usage_daily") == imported


def test_the_rows_reconcile(imported: Truth, tally: Tally) -> None:
    assert "no difference" in tally("reconcile", "--organization", ORGANIZATION).stdout


def test_the_analyst_sees_the_same_and_may_not_write(imported: Truth, tally: Tally) -> None:
    sql = f"SELECT sum(requests) AS n, sum(cost_usd) AS usd FROM usage_daily WHERE organization = '{ORGANIZATION}'"
    shown = tally("sql", sql, "--format", "csv").stdout.split()
    assert int(shown[-1].split(",")[0].strip('"')) == imported.requests
    refused = tally("sql", "TRUNCATE TABLE usage_raw", check=False)
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
