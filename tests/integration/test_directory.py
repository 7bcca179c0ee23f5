"""Names through the whole installation: a product's event to the API, a person's word on the command line, SQL."""

import json
import urllib.request

import pytest

from deploy.local.installation import Installation
from tests.running import Tally

pytestmark = pytest.mark.integration


def post(installation: Installation, key: str, path: str, body: object) -> dict[str, object]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{installation.plan.ports.api}{path}",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        found: dict[str, object] = json.load(response)
        return found


def test_an_event_names_a_prompt_and_a_person_renames_it(installation: Installation, key: str, tally: Tally) -> None:
    event = {"type": "prompt", "action": "created", "id": "p-told", "name": "Told", "time": "2026-03-01T08:00:00Z"}
    event["organization"] = "named-two"
    assert post(installation, key, "/v1/entities", event)["outcome"] == "created"
    assert post(installation, key, "/v1/entities", event)["outcome"] == "unchanged"
    tally("directory", "set", "named-two", "prompt", "p-told", "--name", "Renamed")
    shown = tally(
        "sql", "SELECT display_name FROM directory_history WHERE id = 'p-told' ORDER BY effective_from"
    ).stdout
    assert [name for name in ("Told", "Renamed") if name in shown] == ["Told", "Renamed"]
    request = urllib.request.Request(
        f"http://127.0.0.1:{installation.plan.ports.api}/v1/directory?organization=named-two",
        headers={"Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        assert [entry["display_name"] for entry in json.load(response)["entries"]] == ["Renamed"]
