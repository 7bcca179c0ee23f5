"""`./tally explain` and the API's explanation of one event that went through the running pipeline."""

import json
import uuid
from typing import Any

import httpx
import pytest
from clickhouse_connect.driver.client import Client

from deploy.local.installation import Installation
from tests.integration.test_trace import ORGANIZATION, applied, event, send
from tests.running import Tally, until
from tokentally.partition import partition_of

pytestmark = pytest.mark.integration


def test_an_event_is_explained_line_by_line(
    installation: Installation, tally: Tally, warehouse: Client, key: str
) -> None:
    name = f"call-{uuid.uuid4().hex}"
    home = partition_of(ORGANIZATION, installation.settings.partitions)
    offset = send(installation, home, event(name, cache_read_tokens=400, reported_cost_usd="0.01"))
    until("it is applied", lambda: applied(warehouse, home) >= offset)

    (said,) = [
        json.loads(line) for line in tally("explain", name, "--under", "1", "--format", "json").stdout.splitlines()
    ]
    assert {
        line["unit"]: (line["quantity"], line["price_usd"], line["amount_usd"]) for line in said["cost"]["lines"]
    } == {
        "input_tokens": ("1000", "2.5", "0.0025"),
        "cache_read_tokens": ("400", "1.25", "0.0005"),
        "output_tokens": ("100", "10", "0.001"),
    }
    assert (said["cost"]["exact_usd"], said["cost"]["cost_usd"]) == ("0.004", "0.004000000")
    assert (said["cost"]["reported_cost_usd"], said["cost"]["reported_difference_usd"]) == (
        *("0.010000000", "0.006000000"),
    )
    assert said["under"] == said["cost"]
    assert said["differences"] == []
    text = tally("explain", name).stdout
    assert "0.004000000 USD, priced" in text
    assert "genai-prices" in text

    url = f"http://127.0.0.1:{installation.plan.ports.api}/v1/events/{name}/explanation"
    headers = {"Authorization": f"Bearer {key}"}
    answer: dict[str, Any] = httpx.get(
        url, params={"organization": ORGANIZATION, "under": 1}, headers=headers, trust_env=False, timeout=60
    ).json()
    assert answer["explanations"] == [said]
    unknown = tally("explain", "never-sent", check=False)
    assert (unknown.returncode, "No such event" in unknown.stdout) == (1, True)
    missing = tally("explain", name, "--under", "999", check=False)
    assert (missing.returncode, "no prices of revision 999" in missing.stderr) == (1, True)
