"""The running API may ask for changes: it has a user of the warehouse that may write, and the command line agrees."""

import httpx
import pytest

from deploy.local.installation import Installation
from tests.running import Tally

pytestmark = pytest.mark.integration


def test_a_dry_run_through_the_running_api(installation: Installation, key: str) -> None:
    url = f"http://127.0.0.1:{installation.plan.ports.api}/v1/control"
    asked = {"kind": "void", "organization": "nobody-here", "body": {"selection": {"model": "gpt-4o"}}, "dry_run": True}
    answer = httpx.post(url, json=asked, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60)
    assert answer.status_code == 202, answer.text
    assert answer.json()["difference"]["met"] == 0
    assert answer.json()["control_id"] is None


def test_a_dry_run_on_the_command_line(tally: Tally) -> None:
    told = tally("void", "--organization", "nobody-here", "--model", "gpt-4o", "--dry-run").stdout
    assert told == "0 events on 0 days are met.\n"
    refused = tally("void", "--organization", "nobody-here", "--model", "gpt-4o", check=False)
    assert (refused.returncode, "give --yes or --dry-run" in refused.stderr) == (4, True)
    unknown = tally("control", "pause", "00000000-0000-0000-0000-000000000001", check=False)
    assert (unknown.returncode, "there is no control record" in unknown.stderr) == (1, True)


def test_nothing_is_left_to_be_published(tally: Tally) -> None:
    assert "no record older than 20 s waits to be published" in tally("control", "publish").stdout
