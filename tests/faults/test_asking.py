"""The commands and the API's way of asking, against a real Kafka and engine; workers are played by rows."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from clickhouse_connect.driver.client import Client
from typer import Typer
from typer.testing import CliRunner, Result

from api.control import ThreadedControl
from api.errors import Conflict, InvalidParameter, NotFound
from deploy.cli import config, control, organizations
from deploy.cli.asking import amend, asked, erase, following, replace, replay, reprice, void
from deploy.errors import WrongSetting
from producers.control.record import ControlRecord
from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from tests.faults.rig import DATABASE, Rig
from tests.warehouse.control.asked import job, logged, slices
from tokentally import partition_of
from warehouse.client import connect
from warehouse.control import outbox, revisions
from warehouse.control.following import followed, newest
from warehouse.control.orders import Order
from warehouse.control.records import Followed, Records
from warehouse.errors import InvalidOrganization, NothingChanges, OrderRefused
from warehouse.settings import WarehouseSettings

pytestmark = pytest.mark.integration
NOON = datetime(2026, 3, 28, 12, 0, 0, 118_000, tzinfo=UTC)
FIRST, SECOND = str(UUID(int=1)), str(UUID(int=2))
PLACE = partition_of("acme", 2)


@pytest.fixture
def client(quiet_rig: Rig) -> Iterator[Client]:
    """The rig's warehouse with two events of acme."""
    url = f"http://127.0.0.1:{quiet_rig.warehouse.port}"
    where = WarehouseSettings(url=url, user="tally", password_file=quiet_rig.password_file, database=DATABASE)
    quiet_rig.client.command("SELECT 1")
    client = connect(where)
    columns = [
        "event_id",
        "time",
        "organization",
        "user_id",
        "provider",
        "model",
        "billing_type",
        "input_tokens",
        "day",
    ]
    rows = [
        [event_id, NOON + timedelta(hours=number), "acme", "ada", "openai", "gpt-4o", "SYSTEM", 1000, date(2026, 3, 28)]
        for number, event_id in enumerate((FIRST, SECOND))
    ]
    client.insert("usage_raw", rows, column_names=columns)
    yield client
    client.close()


@pytest.fixture
def settings(quiet_rig: Rig) -> ControlSettings:
    file = quiet_rig.folder / "control_key"
    file.write_bytes(b"a key of this installation")
    return ControlSettings(
        partitions=quiet_rig.partitions,
        kafka_bootstrap=quiet_rig.bootstrap,
        events_topic=quiet_rig.topic,
        control_key_file=file,
    )


@pytest.fixture
def run(client: Client, settings: ControlSettings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command against the rig."""

    @contextmanager
    def connected(_user: str) -> Iterator[tuple[Client, None]]:
        yield client, None

    for module in (void, amend, replace, erase, reprice, replay, control, config, organizations):
        monkeypatch.setattr(module, "connected", connected)
    for module in (asked, control, organizations):
        monkeypatch.setattr(module, "control_settings", lambda: settings)

    def invoke(app: Typer, *arguments: str, check: bool = True) -> Result:
        return CliRunner(env={"COLUMNS": "300"}).invoke(app, arguments, catch_exceptions=not check)

    return invoke


def the_only(client: Client) -> Followed:
    (found,) = newest(client, Records())
    return found


def test_a_dry_run_shows_and_asks_for_nothing(run: Any, client: Client) -> None:
    told = run(void.app, "--organization", "acme", "--model", "gpt-4o", "--dry-run").output
    assert "2 → 0" in told
    assert "2 events on 1 day are met." in told
    assert list(newest(client, Records())) == []


def test_without_a_terminal_yes_is_needed(run: Any, client: Client) -> None:
    result = run(void.app, "--organization", "acme", "--model", "gpt-4o", check=False)
    assert isinstance(result.exception, WrongSetting)
    assert "give --yes or --dry-run" in str(result.exception)
    assert list(newest(client, Records())) == []


def test_what_is_shown_is_confirmed(run: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True), stderr=sys.stderr)
    monkeypatch.setattr(asked, "sys", terminal)
    answers = iter([False, True])
    monkeypatch.setattr("typer.confirm", lambda _text: next(answers))
    command = ["--organization", "acme", "--event", FIRST]
    assert "Nothing was asked for." in run(void.app, *command).output
    assert list(newest(client, Records())) == []
    assert "1 event on 1 day is met." in run(void.app, *command).output
    assert the_only(client).state == "published"


def test_events_are_asked_for_and_followed(run: Any, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text(f"event_id,time,rating\n{FIRST},,5\n{SECOND},{(NOON + timedelta(hours=1)).isoformat()},\n")
    command = ["--organization", "acme", "--file", str(file), "--set", "category=code", "--note", "why", "--yes"]
    told = run(amend.app, *command, "--author", "ada").stdout
    found = followed(client, the_only(client).asked.control_id)
    assert told.endswith(f"amend {found.asked.control_id}: in the log at {PLACE}:0\n")
    assert (found.asked.author, found.asked.note, found.asked.partitions) == ("ada", "why", (PLACE,))
    assert found.asked.body == {
        "events": [
            {"event_id": FIRST, "time": "2026-03-28T12:00:00.118000Z", "set": {"rating": 5, "category": "code"}},
            {"event_id": SECOND, "time": "2026-03-28T13:00:00.118000Z", "set": {"category": "code"}},
        ]
    }
    shown = run(control.app, "show", found.asked.control_id).output
    assert f"partition {PLACE}: published (offset 0)" in shown
    listed = json.loads(run(control.app, "list", "--json", "--kind", "amend").output)
    assert (listed["control_id"], listed["state"]) == (found.asked.control_id, "published")
    assert found.asked.control_id in run(control.app, "list").output
    assert run(control.app, "list", "--state", "done").output == "no record matches\n"


def test_all_records_of_a_request_are_stored_while_kafka_is_away(
    run: Any, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "events.csv"
    lines = (f"{UUID(int=number)},{NOON.isoformat()}" for number in range(1, 2502))
    file.write_text("\n".join(["event_id,time", *lines]))
    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "_acknowledged", lambda *_: {})
        told = run(void.app, "--organization", "acme", "--file", str(file), "--yes").stdout
    stored = list(newest(client, Records()))
    assert told.count("stored; it is published as soon as Kafka answers") == len(stored) == 3
    assert all(each.asked.control_id in told for each in stored)
    run(void.app, "--organization", "acme", "--event", FIRST, "--yes")
    assert {each.state for each in newest(client, Records())} == {"published"}


@pytest.mark.parametrize(("end", "status"), [("done", 0), ("failed", 1), ("cancelled", 1), ("refused", 1)])
def test_waiting_ends_with_the_job(
    run: Any, client: Client, monkeypatch: pytest.MonkeyPatch, end: str, status: int
) -> None:
    def work(_seconds: float) -> None:
        record = the_only(client).asked
        played = ControlRecord(record.control_id, record.kind, "acme", {}, "", "", record.created)
        if end == "refused":
            logged(client, played, PLACE, "refused", 0, "no such thing")
            return
        logged(client, played, PLACE, "applied", 0)
        job(client, played, PLACE, "planned", slices=2)
        slices(client, played, PLACE, "done", "done")
        job(client, played, PLACE, end, slices=2, message="too much" if end == "failed" else "")

    original = following.Following.until_finished
    monkeypatch.setattr(following.Following, "until_finished", lambda self, names: original(_paused(self, work), names))
    result = run(replace.app, "--organization", "acme", "--event", FIRST, "--set", "input_tokens=5", "--yes", "--wait")
    assert result.exit_code == status
    assert the_only(client).state == end


def _paused(self: following.Following, work: Any) -> following.Following:
    self.pause = work
    return self


def test_orders_on_the_command_line(run: Any, client: Client) -> None:
    run(erase.app, "--organization", "acme", "--user", "ada", "--yes")
    name = the_only(client).asked.control_id
    assert "rests after the slice" in run(control.app, "pause", name).output
    assert "wanted already" in run(control.app, "pause", name).output
    assert "goes on" in run(control.app, "resume", name).output
    assert "for good" in run(control.app, "cancel", name).output
    assert isinstance(run(control.app, "resume", name, check=False).exception, OrderRefused)
    assert isinstance(run(control.app, "show", "7", check=False).exception, WrongSetting)
    assert "waits to be published" in run(control.app, "publish").output


def test_erasing_says_whom(run: Any) -> None:
    for extra in ([], ["--user", "ada", "--everything"]):
        result = run(erase.app, "--organization", "acme", "--yes", *extra, check=False)
        assert isinstance(result.exception, WrongSetting)


def test_reprice_takes_the_prices_in_force(run: Any, client: Client) -> None:
    told = run(reprice.app, "--organization", "acme", "--dry-run").output
    assert "0 → 0.005" in told
    run(reprice.app, "--organization", "acme", "--yes")
    body = followed(client, the_only(client).asked.control_id).asked.body
    assert body == {"selection": {}}, "each log partition takes its own"


def test_a_replay_from_a_time_is_one_from_its_local_day(run: Any, client: Client) -> None:
    columns = ["organization", "effective_from", "time_zone", "week_start"]
    client.insert("organizations", [["acme", datetime(1970, 1, 1, tzinfo=UTC), "Asia/Tokyo", 1]], column_names=columns)
    run(replay.app, "--from", "2026-03-14T20:00:00Z", "--organization", "acme", "--yes")
    assert followed(client, the_only(client).asked.control_id).asked.body == {"first": "2026-03-15"}


def test_a_calendar_is_changed_from_a_day_on(run: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = ["organization", "effective_from", "time_zone", "week_start", "display_name", "registered"]
    rows = [["acme", datetime(1970, 1, 1, tzinfo=UTC), "Europe/Paris", 1, "Acme", 1]]
    client.insert("organizations", rows, column_names=columns)
    command = ["calendar", "acme", "--timezone", "America/New_York", "--week-start", "sunday", "--from", "2105-05-01"]
    told = run(organizations.app, *command, "--note", "moved").output
    assert told.startswith(
        "acme counts in America/New_York, weeks from sunday from 2105-04-30T22:00+00:00 (revision 1, "
    )
    found = followed(client, the_only(client).asked.control_id)
    stored = revisions.newest(client, "calendar", "acme")
    assert stored is not None
    assert found.asked.body == stored.body
    assert (found.asked.kind, found.asked.organization) == ("config", "acme")
    assert stored.content == {
        "effective_from": "2105-04-30T22:00:00+00:00",
        "time_zone": "America/New_York",
        "week_start": 7,
    }
    assert isinstance(run(organizations.app, *command, check=False).exception, NothingChanges)
    back = ["calendar", "acme", "--timezone", "Europe/Paris", "--from", "2105-04-01"]
    assert isinstance(run(organizations.app, *back, check=False).exception, InvalidOrganization)
    soon = ["calendar", "acme", "--timezone", "Asia/Tokyo", "--from", "2026-03-01"]
    assert isinstance(run(organizations.app, *soon, check=False).exception, InvalidOrganization)

    history = run(config.app, "history", "calendar").output
    assert "moved" in history
    assert "no control record" in history
    run(organizations.app, "calendar", "acme", "--timezone", "Asia/Tokyo", "--from", "2105-06-01")
    differs = run(config.app, "diff", "calendar", "1", "2", "--organization", "acme").output
    assert "time_zone: America/New_York → Asia/Tokyo" in differs
    assert "effective_from: 2105-04-30T22:00:00+00:00 → 2105-06-01T04:00:00+00:00" in differs
    assert "time_zone      Asia/Tokyo" in run(config.app, "show", "calendar", "2", "--organization", "acme").output


def test_a_revision_that_was_stored_and_not_published_is_published_by_asking_again(
    run: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ["organization", "effective_from", "time_zone", "week_start", "display_name", "registered"]
    rows = [["acme", datetime(1970, 1, 1, tzinfo=UTC), "Europe/Paris", 1, "Acme", 1]]
    client.insert("organizations", rows, column_names=columns)
    command = ["calendar", "acme", "--timezone", "Asia/Tokyo", "--from", "2105-05-01"]
    with monkeypatch.context() as patch:
        patch.setattr(Publisher, "ask", lambda *_: pytest.fail("killed here"))
        with pytest.raises(pytest.fail.Exception):
            run(organizations.app, *command)
    assert list(newest(client, Records())) == []
    assert "(revision 1, " in run(organizations.app, *command).output
    assert the_only(client).state == "published"


def test_prices_are_shown_and_compared(run: Any, client: Client) -> None:
    same = "organization, provider, model, display_name, match, effective_from, daily_from, daily_to, unit, tier_start"
    rest = "service_tier, marginal, per, position, source, author, note, created"
    client.command(
        f"INSERT INTO prices (revision, {same}, price_usd, {rest}) SELECT 2, {same}, "
        "if((provider, model, unit, service_tier) = ('openai', 'gpt-4o', 'input_mtok', ''), 3, price_usd), "
        f"{rest} FROM prices"
    )
    client.command(
        "INSERT INTO config_revisions (kind, revision, content_hash, author, note, source, created) "
        "VALUES ('prices', 2, 'x', 'ada', 'dearer', 'hand', now64(3))"
    )
    told = run(config.app, "diff", "prices", "1", "2").output
    assert told == "openai/gpt-4o unit=input_mtok: 2.5 USD per 1,000,000 → 3 USD per 1,000,000\n"
    assert "dearer" in run(config.app, "show", "prices", "2").output
    found = json.loads(run(config.app, "show", "prices", "2", "--json").output)
    assert found["revision"] == 2
    assert len(found["lines"]) > 1000
    assert "there is no prices revision 3" in str(run(config.app, "show", "prices", "3", check=False).exception)


def test_of_two_requests_at_once_under_one_id_the_api_refuses_one(client: Client, settings: ControlSettings) -> None:
    control = ThreadedControl(lambda: client, settings)
    said = ({"selection": {"model": "gpt-4o"}}, {"selection": {"model": "other"}})
    records = [ControlRecord(FIRST, "void", "acme", body, "key k1", "", datetime.now(UTC)) for body in said]

    async def both() -> list[object]:
        return await asyncio.gather(*map(control.ask, records), return_exceptions=True)

    store = outbox.store

    def slowly(*arguments: Any) -> bool:
        time.sleep(0.3)  # both have looked by now whether the id is known
        return store(*arguments)

    with patch.object(outbox, "store", slowly):
        results = asyncio.run(both())
    assert sorted(type(each).__name__ for each in results) == ["Conflict", "Published"]


def test_the_api_asks_once(client: Client, settings: ControlSettings) -> None:
    control = ThreadedControl(lambda: client, settings)
    body: dict[str, Any] = {"events": [], "selection": {"model": "gpt-4o"}}
    record = ControlRecord(str(uuid4()), "void", "acme", body, "key k1", "", datetime.now(UTC))
    published = asyncio.run(control.ask(record))
    assert published.places == {PLACE: 0}
    again = ControlRecord(record.control_id, "void", "acme", body, "key k2", "other", datetime.now(UTC))
    assert asyncio.run(control.ask(again)).places == {PLACE: 0}, "it is not published once more"
    other = ControlRecord(record.control_id, "erase", "acme", {}, "key k1", "", datetime.now(UTC))
    with pytest.raises(Conflict, match="was used for another request"):
        asyncio.run(control.ask(other))
    assert asyncio.run(control.difference(record)).met == 2
    assert asyncio.run(control.order(record.control_id, Order.CANCEL, "key k1"))
    with pytest.raises(Conflict, match="cancelled, and that is for good"):
        asyncio.run(control.order(record.control_id, Order.RESUME, "key k1"))
    with pytest.raises(NotFound):
        asyncio.run(control.order(str(uuid4()), Order.PAUSE, "key k1"))
    reprice_to_nothing = ControlRecord(str(uuid4()), "reprice", "acme", {"prices": 9}, "k", "", datetime.now(UTC))
    with pytest.raises(InvalidParameter, match="no prices of revision 9"):
        asyncio.run(control.difference(reprice_to_nothing))
