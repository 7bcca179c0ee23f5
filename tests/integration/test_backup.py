"""O4 and E8 end to end: a backup under traffic, everything deleted, a restore, and the workers heal from Kafka."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy.local.home import ROOT
from deploy.local.installation import Installation
from producers.keys.store import KeyStore
from tests.conftest import free_port_base
from tests.running import Tally, client_of, until
from warehouse.backups import manifest

pytestmark = pytest.mark.integration
WITHOUT = ("superset", "api")
ORGANIZATIONS = ("restored-a", "restored-b", "restored-c")
PAST = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=20)
ENVELOPE = 20
IN_FORCE = "SELECT count() FROM revision_switches FINAL WHERE organization != ''"
COSTS = "SELECT cost_nano_usd, price_revision, count() FROM usage_raw FINAL GROUP BY ALL ORDER BY ALL"
PRICES = "SELECT * FROM prices FINAL WHERE organization != '' ORDER BY ALL"


class Traffic(threading.Thread):
    """Sends events of today and of a day long past; remembers where each was acknowledged."""

    def __init__(self, installation: Installation, key: str) -> None:
        super().__init__(daemon=True)
        self.address = f"http://127.0.0.1:{installation.plan.ports.collector}/v1/events"
        self.key = key
        self.ended = threading.Event()
        self.sent = 0
        self.acknowledged: list[dict[str, Any]] = []

    def run(self) -> None:
        while not self.ended.wait(0.02):
            try:
                self.send(PAST if self.sent % 3 == 0 else datetime.now(UTC))
            except urllib.error.URLError as problem:
                if not isinstance(problem.reason, ConnectionRefusedError):
                    raise

    def send(self, time: datetime) -> None:
        events = [self.event(number, time) for number in range(self.sent, self.sent + ENVELOPE)]
        body = "\n".join(json.dumps(event) for event in events).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-ndjson"}
        with urllib.request.urlopen(urllib.request.Request(self.address, body, headers), timeout=30) as answer:
            told = json.loads(answer.read())["events"]
        for event, place in zip(events, told, strict=True):
            assert (place["event_id"], place["status"]) == (event["event_id"], "accepted")
            self.acknowledged.append(place | {"organization": event["organization"]})
        self.sent += ENVELOPE

    def event(self, number: int, time: datetime) -> dict[str, object]:
        return {
            "event_id": str(uuid4()),
            "time": time.isoformat(timespec="milliseconds"),
            "organization": ORGANIZATIONS[number // ENVELOPE % 3],
            "user_id": f"user-{number % 5}",
            "thread_id": f"thread-{number % 7}",
            "prompt_id": f"prompt-{number % 3}",
            "provider": "openai",
            "model": "gpt-4o",
            "input_tokens": 1,
            "duration_ms": 100,
        }


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that may lose everything."""
    home = tmp_path_factory.mktemp("restored") / "home"
    made = Installation(home, port_base=free_port_base(), partitions=3, workers=2, kafka_heap_mb=320)
    try:
        made.up(without=WITHOUT)
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def tally(own: Installation) -> Tally:
    return Tally(own)


@pytest.fixture(scope="module")
def traffic(own: Installation) -> Iterator[Traffic]:
    _, secret = KeyStore(own.home.keys).create(name="traffic", organization=None, scopes={"ingest"})
    running = Traffic(own, secret)
    running.start()
    until("events are stored", lambda: stored(own) > 500)
    yield running
    running.ended.set()


@pytest.fixture(scope="module")
def backup(own: Installation, tally: Tally, traffic: Traffic) -> Path:
    """Made while events are sent and counted."""
    before = stored(own)
    tally("backup")
    until("events are counted on", lambda: stored(own) > before)
    (made,) = (path.parent for path in own.home.backups.glob("*/manifest.json"))
    return made


def stored(installation: Installation) -> int:
    """Events that progress covers."""
    with client_of(installation) as client:
        return int(client.query("SELECT sum(accepted) FROM partition_progress FINAL").result_rows[0][0])


def answer(installation: Installation, sql: str) -> Any:
    """The rows of an answer."""
    with client_of(installation) as client:
        return client.query(sql).result_rows


def is_proven(tally: Tally, acknowledged: Path) -> bool:
    """Whether everything acknowledged is stored, and every comparison is clean."""
    report = json.loads(tally("reconcile", "--acknowledged", str(acknowledged), "--format", "json").stdout)
    assert (report["differing"], report["differences"]) == (0, [])
    assert not [note for note in report["notes"] if "were not compared" in note]
    return bool(report["acknowledged_not_applied_yet"] == 0)


def test_a_backup_under_traffic_holds_a_cut_behind_what_is_counted_by_now(own: Installation, backup: Path) -> None:
    made = manifest.read(backup)
    manifest.verify(backup, made)
    assert 0 < made.accepted < stored(own)
    assert made.log.next_offsets is not None
    assert {each.src_partition: each.applied_offset for each in made.progress}.keys() <= {0, 1, 2}
    assert backup.stat().st_mode & 0o077 == 0
    assert {path.name for path in (backup / "configuration/secrets").iterdir()} >= {"erasure_key"}
    assert not list((backup / "configuration/secrets").glob("warehouse_*"))


def test_a_warehouse_with_data_is_not_touched(own: Installation, tally: Tally, backup: Path) -> None:
    before = set(own.running())
    result = tally("restore", str(backup), check=False)
    assert result.returncode == 1
    assert "With --replace all of that is lost" in result.stderr
    assert set(own.running()) == before
    assert not own.home.restoring.exists()


def test_a_damaged_backup_is_not_restored(own: Installation, tally: Tally, backup: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(backup, tmp_path / "damaged")
    victim = max(damaged.rglob("*.bin"), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    result = tally("restore", str(damaged), "--replace", check=False)
    assert result.returncode == 1
    assert "damaged: nothing was restored" in result.stderr
    assert "worker-0" in own.running()


def test_e8_everything_deleted_is_restored_and_heals_from_the_log(
    own: Installation, tally: Tally, traffic: Traffic, backup: Path, tmp_path: Path
) -> None:
    tally("backup", str(tmp_path / "packed.tar"))
    price = ("openai/gpt-4o", "input_mtok=1.5", "--organization", ORGANIZATIONS[0], "--from", f"{PAST:%Y-%m-%d}")
    tally("prices", "set", *price, "--author", "ada", "--note", "contract", "--yes")
    until("the price is in force", lambda: answer(own, IN_FORCE) == [(1,)])
    before = traffic.sent
    until("some usage has it", lambda: traffic.sent > before + 20 * ENVELOPE)
    traffic.ended.set()
    traffic.join(60)
    acknowledged = tmp_path / "acknowledged.jsonl"
    acknowledged.write_text("".join(f"{json.dumps(place)}\n" for place in traffic.acknowledged))
    until("everything is counted", lambda: stored(own) == traffic.sent)
    costs, prices = answer(own, COSTS), answer(own, PRICES)
    assert len({cost for cost, *_ in costs}) > 1
    own.down()
    shutil.rmtree(own.home.warehouse)
    own.home.keys.unlink()
    (own.home.secrets / "erasure_key").unlink()

    tally("restore", str(backup))
    assert own.running() == []
    assert not own.home.restoring.exists()
    own.up(without={*WITHOUT, "worker"})
    early = tally("prices", "set", *price, "--author", "ada", "--note", "another", "--yes", check=False)
    assert early.returncode == 1
    assert "workers have not read again what the log holds of partition 0" in early.stderr
    own.up(without=WITHOUT)
    until("the log is counted again", lambda: stored(own) == traffic.sent)
    assert is_proven(tally, acknowledged)
    assert (answer(own, COSTS), answer(own, PRICES)) == (costs, prices), "the log holds what was set after the backup"
    assert [key.name for key in KeyStore(own.home.keys).list()] == ["traffic"]

    tally("restore", str(tmp_path / "packed.tar"), "--replace")
    assert "worker-1" in own.running()
    until("the log is counted again", lambda: stored(own) == traffic.sent)
    assert is_proven(tally, acknowledged)
    assert not list(own.home.folder.glob("warehouse.*"))


def test_half_a_restore_starts_nothing_until_it_is_repeated_or_given_up(
    own: Installation, tally: Tally, traffic: Traffic, backup: Path
) -> None:
    before = set(own.running())
    killed_in_the_middle(own, backup)
    assert set(own.running()) == {"kafka"}
    for command in (("up", "--no-superset"), ("restart", "workers")):
        result = tally(*command, check=False)
        assert result.returncode == 1
        assert "a restore was not finished" in result.stderr
    tally("restore", "--abandon")
    assert set(own.running()) == before
    assert stored(own) == traffic.sent

    killed_in_the_middle(own, backup)
    tally("restore", str(backup), "--replace")
    assert set(own.running()) == before
    until("the log is counted again", lambda: stored(own) == traffic.sent)
    assert tally("restore", "--abandon", check=False).returncode == 1


def killed_in_the_middle(installation: Installation, backup: Path) -> None:
    """A restore that dies as soon as its engine works."""
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", "restore", str(backup), "--replace"],
        cwd=ROOT,
        env=os.environ | installation.environment(),
        stdout=subprocess.DEVNULL,
    )
    until("it has begun", (installation.home.folder / "warehouse.restoring/embedded.xml").exists)
    process.kill()
    assert process.wait() == -signal.SIGKILL


def test_another_machine_without_the_log_keeps_what_the_backup_has_and_counts_a_new_log_apart(
    own: Installation, traffic: Traffic, backup: Path, tmp_path: Path
) -> None:
    traffic.ended.set()
    traffic.join(60)
    own.down()
    other = Installation(
        tmp_path / "other", port_base=free_port_base(), partitions=3, topic_generation=1, kafka_heap_mb=320
    )
    elsewhere = Tally(other)
    generation = {"TALLY_PARTITIONS": "3", "TALLY_TOPIC_GENERATION": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in generation.items():
            patch.setenv(name, value)
        try:
            refused = elsewhere("restore", str(backup), check=False)
            assert refused.returncode == 1
            assert "with --other-log" in refused.stderr
            assert other.running() == []
            told = elsewhere("restore", str(backup), "--other-log").stdout
            assert "erasures, corrections and prices that were asked for after" in " ".join(told.split())
            other.up(without=WITHOUT)
            with client_of(other) as client:
                ((raw,),) = client.query("SELECT count() FROM usage_raw FINAL").result_rows
                assert raw >= manifest.read(backup).accepted
                until("what its last flush left is counted", lambda: stored(other) == raw)
            report = json.loads(elsewhere("reconcile", "--format", "json").stdout)
            assert (report["differing"], report["differences"]) == (0, [])
            secret = KeyStore(other.home.keys).create(name="new", organization=None, scopes={"ingest"})[1]
            Traffic(other, secret).send(datetime.now(UTC))
            until("the new log is counted", lambda: stored(other) == raw + ENVELOPE)
        finally:
            other.down()
