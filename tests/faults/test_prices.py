"""`./tally prices` and `./tally multipliers` against a real Kafka and engine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from typer import Typer
from typer.testing import CliRunner, Result

from deploy.cli.prices import changing, importing, looking, multipliers, prices, setting
from deploy.errors import DeployError, WrongSetting
from stream_jobs.control.settings import ControlSettings
from tests.faults.rig import DATABASE, Rig
from tokentally import partition_of
from warehouse.client import connect
from warehouse.control.following import newest
from warehouse.control.records import Records
from warehouse.settings import WarehouseSettings

pytestmark = pytest.mark.integration
YES = ("--yes", "--author", "ada", "--note", "contract")


@pytest.fixture
def client(quiet_rig: Rig) -> Iterator[Client]:
    url = f"http://127.0.0.1:{quiet_rig.warehouse.port}"
    quiet_rig.client.command("SELECT 1")
    client = connect(WarehouseSettings(url=url, user="tally", password_file=quiet_rig.password_file, database=DATABASE))
    yield client
    client.close()


@pytest.fixture
def run(quiet_rig: Rig, client: Client, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command against the rig."""
    file = quiet_rig.folder / "control_key"
    file.write_bytes(b"a key of this installation")
    settings = ControlSettings(
        home=quiet_rig.folder,
        partitions=quiet_rig.partitions,
        kafka_bootstrap=quiet_rig.bootstrap,
        events_topic=quiet_rig.topic,
        control_key_file=file,
    )

    @contextmanager
    def connected(_user: str) -> Iterator[tuple[Client, None]]:
        yield client, None

    for module in (looking, setting, importing, multipliers):
        monkeypatch.setattr(module, "connected", connected)
    monkeypatch.setattr(changing, "control_settings", lambda: settings)

    def invoke(app: Typer, *arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": "300"}).invoke(app, arguments, catch_exceptions=False)

    return invoke


def test_a_price_is_set_shown_compared_and_ended(run: Any, client: Client, quiet_rig: Rig) -> None:
    gpt = ("openai/gpt-4o", "input_mtok=3", "--from", "2026-05-01")
    dry = run(prices.app, "set", *gpt, "--dry-run").output
    assert "openai/gpt-4o input_mtok from 2026-05-01: 2.5 USD per 1,000,000 → 3 USD per 1,000,000 (+20.00%)" in dry
    assert "nothing was stored: --dry-run" in dry
    with pytest.raises(WrongSetting, match="nobody can be asked here: add --yes"):
        run(prices.app, "set", *gpt)
    assert list(newest(client, Records())) == []

    assert "prices revision 2: published" in run(prices.app, "set", *gpt, *YES).output
    assert "the prices say just that since revision 2: nothing changes" in run(prices.app, "set", *gpt, *YES).output
    own = ("openai/gpt-4o", "input_mtok=2", "--organization", "acme", "--from", "2026-05-01")
    assert "prices revision 3 of acme: published" in run(prices.app, "set", *own, *YES).output
    assert (
        "prices revision 4 of acme: published"
        in run(prices.app, "expire", "openai/gpt-4o", "--organization", "acme", "--from", "2026-06-01", *YES).output
    )
    everywhere, home = list(range(quiet_rig.partitions)), [partition_of("acme", quiet_rig.partitions)]
    published = "SELECT JSONExtractUInt(body, 'revision') AS number, organization, partitions FROM control_records"
    assert [list(row) for row in client.query(f"{published} ORDER BY number").result_rows] == [
        [2, "", everywhere],
        [3, "acme", home],
        [4, "acme", home],
    ]

    shown = run(prices.app, "show", "openai/gpt-4o", "--organization", "acme").output
    assert "contract" in shown
    assert "no known price" in shown
    listed = json.loads(
        run(prices.app, "list", "--search", "gpt-4o", "--organization", "acme", "--json").output.splitlines()[-1]
    )
    assert listed["revision"] == 4
    told = run(prices.app, "diff", "1", "3", "--organization", "").output
    assert (
        told.splitlines()[0]
        == "openai/gpt-4o input_mtok from 2026-05-01: 2.5 USD per 1,000,000 → 3 USD per 1,000,000 (+20.00%)"
    )
    history = run(prices.app, "history", "openai/gpt-4o", "--organization", "acme", "--json").output
    steps = [json.loads(line) for line in history.splitlines()]
    assert [(step["revision"], step["author"], step["note"]) for step in steps] == [
        (4, "ada", "contract"),
        (3, "ada", "contract"),
    ]
    assert "First revision, as shipped" in run(prices.app, "history").output
    with pytest.raises(DeployError, match="there is no prices revision 9; "):
        run(prices.app, "diff", "1", "9")
    with pytest.raises(DeployError, match="openai/gpt-99 has no price in revision 4"):
        run(prices.app, "show", "openai/gpt-99")


def test_a_list_is_imported_whole_or_not_at_all(run: Any, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "contract.csv"
    head = "provider,model,unit,price_usd\n"
    file.write_text(f"{head}openai,gpt-4o,input_mtok,3\nopenai,gpt-4o,output_mtok,cheap\n")
    with pytest.raises(WrongSetting, match="was refused, nothing was applied"):
        run(prices.app, "import", str(file), *YES)
    file.write_text(f"{head}openai,gpt-4o,input_mtok,3\nopenai,gpt-4o,output_mtok,10\nmaker,own,input_mtok,1\n")
    arguments = ("import", str(file), "--organization", "acme", "--from", "2026-05-01")
    dry = run(prices.app, *arguments, "--dry-run").output
    assert "2 models: 1 added, 0 removed, 1 changed" in dry
    assert "cache_read_mtok" not in dry, "it goes on at everyone's price"
    assert "nothing was stored: --dry-run" in dry
    assert client.query("SELECT max(revision) FROM prices").result_rows == [(1,)]
    assert "prices revision 2 of acme: published" in run(prices.app, *arguments, *YES).output
    assert "nothing changes" in run(prices.app, *arguments, *YES).output
    file.write_text(f"{head}openai,gpt-4o,input_mtok,1600\nopenai,gpt-4o,output_mtok,10\n")
    with pytest.raises(DeployError, match="no price changes 500 times, so correct the unit"):
        run(prices.app, *arguments, *YES)


def test_multipliers_are_set_shown_and_compared(run: Any) -> None:
    told = run(multipliers.app, "set", "openai/gpt-4o", "2.5", "--from", "2026-05-01", "--organization", "acme", *YES)
    assert "acme: openai/gpt-4o from 2026-05-01: 2x → 2.5x" in told.output
    assert "multipliers revision 2 of acme: published" in told.output
    assert run(multipliers.app, "set", "default", "1.5", *YES).exit_code == 0
    assert "2.5x" in run(multipliers.app, "list", "--organization", "acme", "--at", "2026-05-02").output
    assert "acme" not in run(multipliers.app, "list", "--organization", "acme", "--at", "2026-04-30").output
    assert "acme: openai/gpt-4o from 2026-05-01: 2x → 2.5x" in run(multipliers.app, "diff", "1", "2").output
    assert "1.5x" in run(multipliers.app, "show", "default").output
    assert len(run(multipliers.app, "history").output.splitlines()) == 4
    ended = run(multipliers.app, "expire", "openai/gpt-4o", "--from", "2026-06-01", "--organization", "acme", *YES)
    assert "acme: openai/gpt-4o from 2026-06-01: 2.5x → 2x" in ended.output
    assert "ended" in run(multipliers.app, "show", "openai/gpt-4o", "--organization", "acme").output
    assert "acme" not in run(multipliers.app, "list", "--organization", "acme", "--at", "2026-06-02").output
    with pytest.raises(DeployError, match="has no multiplier of its own for zen"):
        run(multipliers.app, "expire", "openai/gpt-4o", "--organization", "zen", *YES)


def test_what_has_no_price_is_listed_with_its_volume(run: Any, client: Client) -> None:
    columns = ["organization", "time", "event_id", "provider", "model", "cost_status", "input_tokens", "price_revision"]
    now = datetime.now(UTC)
    rows = [
        ["acme", now, f"00000000-0000-0000-0000-00000000000{number}", "maker", model, status, 100, 1]
        for number, (model, status) in enumerate(
            (("a", "unpriced"), ("a", "unpriced"), ("b", "partial"), ("c", "priced"), ("d", "reported"), ("e", "free"))
        )
    ]
    client.insert("usage_raw", rows, column_names=columns)
    told = [json.loads(line) for line in run(prices.app, "missing", "--json").output.splitlines()]
    seen = [tuple(each[name] for name in ("model", "status", "requests", "input_tokens")) for each in told]
    assert seen == [("a", "unpriced", 2, 200), ("b", "partial", 1, 100), ("d", "reported", 1, 100)]
    assert [each["unpriced_units"] for each in told] == [[], ["input_tokens"], []]
    shown = run(prices.app, "missing").output
    assert ("input_tokens" in shown, "all of it" in shown) == (True, True)
    assert run(prices.app, "missing", "--organization", "zen").output == "all usage of the last 30 days has a price\n"
