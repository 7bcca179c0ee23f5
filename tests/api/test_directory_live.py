"""The directory on the real engine, written by a user who may insert there and nowhere else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from fastapi.testclient import TestClient

from api.app import create_app
from api.control import ThreadedControl
from api.directory import ThreadedDirectory
from api.warehouse import ThreadedWarehouse
from deploy.local.secrets import INSERTS
from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from tests.api.fakes import FakeKeys
from tests.warehouse.engine import Engine, running
from tests.warehouse.recorded import events, store
from tokentally import partition_of
from warehouse.client import connect
from warehouse.embedded.users import User, password_hash, read_users, write_users

pytestmark = pytest.mark.integration
ROOT, BOSS, INGEST, ACME, ALL = (
    {"Authorization": f"Bearer {name}"} for name in ("root", "boss", "ingest", "acme", "all")
)
START = datetime(2026, 4, 2, 12, tzinfo=UTC)
RECORDED = events()
WRITTEN = ("directory_entries", "organizations", "config_revisions", "control_records", "control_publications")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


class Clock:
    """Moves when it is told to."""

    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stored(engine: Engine) -> Iterator[tuple[Client, str]]:
    with engine.database() as (client, name):
        users = read_users(engine.process.users_file)
        assert {f"tokentally.{table}" for table in WRITTEN} <= set(INSERTS["api_writer"])
        tables = tuple(f"{name}.{table}" for table in WRITTEN)
        user = User("api_writer", password_hash("api_writer-secret"), "reader", inserts=tables)
        write_users(engine.process.users_file, users | {user.name: user})
        yield client, name


@pytest.fixture
def live(
    engine: Engine, stored: tuple[Client, str], clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """The API; Kafka takes everything."""
    key = tmp_path / "control_key"
    key.write_bytes(b"a key of this installation")
    monkeypatch.setattr(Publisher, "_acknowledged", lambda _, values, *__: dict.fromkeys(values, 7))
    settings = ControlSettings(home=tmp_path, partitions=4, control_key_file=key)
    warehouse = ThreadedWarehouse(lambda: connect(engine.settings("api", stored[1])), threads=4, waiting_max=20)
    directory = ThreadedDirectory(lambda: connect(engine.settings("api_writer", stored[1])))
    control = ThreadedControl(lambda: connect(engine.settings("api_writer", stored[1])), settings)
    with TestClient(create_app(warehouse, FakeKeys(), clock, directory=directory, control=control)) as made:
        yield made


def get(live: TestClient, path: str, headers: dict[str, str] = ALL) -> dict[str, Any]:
    answer = live.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def put(live: TestClient, path: str, **body: Any) -> str:
    answer = live.put(f"/v1/directory/{path}", json=body, headers=ROOT)
    assert answer.status_code == 200, answer.text
    outcome: str = answer.json()["outcome"]
    return outcome


def tell(live: TestClient, **event: Any) -> str:
    answer = live.post("/v1/entities", json={"type": "prompt"} | event, headers=INGEST)
    assert answer.status_code == 200, answer.text
    outcome: str = answer.json()["outcome"]
    return outcome


def names(live: TestClient, query: str, headers: dict[str, str] = ALL) -> list[str]:
    return [entry["display_name"] for entry in get(live, f"/v1/directory?{query}", headers)["entries"]]


def test_what_is_written_is_read_at_every_moment(live: TestClient, clock: Clock) -> None:
    path = "user/it's%20%22ü%5C%22?organization=acme"
    first = {"display_name": "Ada \\ 'L'", "department": "sales", "email": "a@b", "attributes": {"a": "1", "b": "'"}}
    assert put(live, path, **first) == "created"
    assert put(live, path, **first) == "unchanged"
    clock.now = START + timedelta(days=1)
    assert put(live, path, display_name="Ada King", attributes={"a": ""}, role="owner") == "renamed"
    clock.now = START + timedelta(days=2)
    assert put(live, path, state="archived", department="", effective_from="2026-04-04T00:00:00Z") == "archived"
    [entry] = get(live, "/v1/directory")["entries"]
    assert entry == {
        "organization": "acme",
        "kind": "user",
        "id": 'it\'s "ü\\"',
        "display_name": "Ada King",
        "department": "",
        "email": "a@b",
        "role": "owner",
        "plan": "",
        "state": "archived",
        "attributes": {"b": "'"},
        "since": "2026-04-04T00:00:00.000Z",
    }
    found = get(live, f"/v1/directory/{path}")
    assert found["entry"] == entry
    assert [one["display_name"] for one in found["history"]] == ["Ada \\ 'L'", "Ada King", None]
    assert {one["author"] for one in found["history"]} == {"key 0a1b2c3d4e5f"}
    [earlier] = get(live, "/v1/directory?at=2026-04-02")["entries"]
    assert (earlier["display_name"], earlier["department"], earlier["attributes"]) == (
        "Ada \\ 'L'",
        "sales",
        {"a": "1", "b": "'"},
    )


def test_pages_filters_and_search(live: TestClient) -> None:
    kinds = ("user", "prompt", "feature")
    entries = [
        {"organization": organization, "kind": kind, "id": f"{kind}-{number}", "display_name": f"{kind} Näme {number}"}
        for organization in ("acme", "zen")
        for kind in kinds
        for number in range(5)
    ]
    assert live.post("/v1/directory/entries", json={"entries": entries}, headers=ROOT).status_code == 200
    page = get(live, "/v1/directory?limit=7")
    found = page["entries"]
    while page["next_cursor"]:
        page = get(live, f"/v1/directory?limit=7&cursor={page['next_cursor']}")
        found += page["entries"]
    keys = [(one["organization"], one["kind"], one["id"]) for one in found]
    assert keys == sorted((one["organization"], one["kind"], one["id"]) for one in entries)
    assert names(live, "organization=acme&kind=user&q=nÄME 3") == ["user Näme 3"]
    assert names(live, "q=PROMPT-4") == ["prompt Näme 4"] * 2
    assert put(live, "user/user-0?organization=acme", state="archived") == "archived"
    assert names(live, "organization=acme&kind=user&state=archived") == ["user Näme 0"]
    assert len(names(live, "organization=acme&kind=user&state=active")) == 4
    assert {one["organization"] for one in get(live, "/v1/directory", ACME)["entries"]} == {"acme"}


def test_events_in_any_order_give_the_newest_name(live: TestClient, stored: tuple[Client, str]) -> None:
    assert tell(live, id="p9", action="renamed", name="New", time="2026-04-01T08:00:00Z") == "created"
    assert tell(live, id="p9", action="created", name="Old", time="2026-03-01T08:00:00Z") == "created"
    assert tell(live, id="p9", action="renamed", name="New", time="2026-04-01T09:00:00+01:00") == "unchanged"
    assert names(live, "organization=acme") == ["New"]
    assert names(live, "organization=acme&at=2026-03-15") == ["Old"]
    assert stored[0].query("SELECT count() FROM directory_entries").result_rows == [(2,)]


def test_one_organization_never_touches_another(live: TestClient) -> None:
    put(live, "user/u1?organization=zen", display_name="Zoe")
    answer = live.put("/v1/directory/user/u1", json={"display_name": "Ada"}, headers=BOSS)
    assert answer.json()["organization"] == "acme"
    assert live.put("/v1/directory/user/u1?organization=zen", json={"role": "owner"}, headers=BOSS).status_code == 403
    assert names(live, "organization=zen") == ["Zoe"]
    assert names(live, "", ACME) == ["Ada"]
    assert live.get("/v1/directory/user/u1", headers=ACME).json()["entry"]["display_name"] == "Ada"
    assert live.get("/v1/directory/user/u2", headers=ACME).status_code == 404


def test_usage_is_called_by_its_names(live: TestClient, stored: tuple[Client, str], clock: Clock) -> None:
    store(stored[0], RECORDED)
    put(live, "user/u1?organization=acme", display_name="Ada")
    put(live, "user/it's?organization=acme", display_name="It")
    put(live, "user/u2?organization=acme", display_name="Later", effective_from="2026-05-01T00:00:00Z")
    put(live, "user/u2?organization=zen", display_name="Zoe")
    put(live, "prompt/p1?organization=acme", display_name="Report")
    parts = get(live, "/v1/usage/breakdown?by=user_id&organization=acme&range=30d")["parts"]
    assert {part["value"]: part["name"] for part in parts} == {"u1": "Ada", "it's": "It", "u2": "u2"}
    clock.now = datetime(2026, 5, 2, tzinfo=UTC)
    query = "from=2026-03-01&to=2026-04-30"
    parts = get(live, f"/v1/usage/breakdown?by=user_id&organization=acme&{query}")["parts"]
    assert {part["value"]: part["name"] for part in parts}["u2"] == "Later"
    together = get(live, f"/v1/usage/breakdown?by=user_id&{query}")["parts"]
    assert {part["value"]: part["name"] for part in together} == {"u1": "Ada", "it's": "It", "u2": "u2"}
    parts = get(live, f"/v1/usage/breakdown?by=prompt_id&organization=acme&{query}")["parts"]
    assert {part["value"]: part["name"] for part in parts} == {"": "", "p1": "Report", "p2": "p2", "p3": "p3"}
    csv = live.get(f"/v1/usage/breakdown?by=prompt_id&organization=acme&{query}", headers=ALL | {"Accept": "text/csv"})
    assert "\r\np1,Report," in csv.text
    parts = get(live, f"/v1/usage/breakdown?by=organization&{query}")["parts"]
    assert {part["value"]: part["name"] for part in parts} == {"acme": "Acme", "zen": "Zen"}


def register(live: TestClient, name: str, status: int = 200, headers: dict[str, str] = ROOT, **body: Any) -> Any:
    answer = live.put(f"/v1/organizations/{name}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def organizations(live: TestClient, headers: dict[str, str] = ALL) -> list[tuple[str, str, str, str]]:
    found = get(live, "/v1/organizations", headers)["organizations"]
    return [(one["name"], one["display_name"], one["plan"], one["time_zone"]) for one in found]


def test_an_organization_is_registered_renamed_and_called_so_at_every_moment(live: TestClient, clock: Clock) -> None:
    first: dict[str, Any] = {"time_zone": "Europe/Paris", "display_name": "Acme's", "plan": "FREE"}
    assert register(live, "acme", **first)["is_new"]
    assert register(live, "acme", **first)["outcome"] == "unchanged"
    clock.now = START + timedelta(days=30)
    renamed = register(live, "acme", display_name="Acme SA", plan="PRO", effective_from="2026-05-01T00:00:00Z")
    assert (renamed["outcome"], renamed["is_new"], renamed["time_zone"]) == ("renamed", False, "Europe/Paris")
    assert organizations(live) == [("acme", "Acme SA", "PRO", "Europe/Paris")]
    clock.now = START
    assert organizations(live, ACME) == [("acme", "Acme's", "FREE", "Europe/Paris")]
    assert names(live, "kind=organization&at=2026-05-01") == ["Acme SA"]
    assert put(live, "organization/acme?organization=acme", plan="", effective_from="2026-06-01T00:00:00Z") == "changed"
    history = get(live, "/v1/directory/organization/acme?organization=acme")["history"]
    assert [(one["display_name"], one["plan"], one["author"]) for one in history] == [
        ("Acme's", "FREE", "key 0a1b2c3d4e5f"),
        ("Acme SA", "PRO", "key 0a1b2c3d4e5f"),
        (None, "", "key 0a1b2c3d4e5f"),
    ]


def test_breakdowns_call_an_organization_what_it_is_called_then(
    live: TestClient, stored: tuple[Client, str], clock: Clock
) -> None:
    store(stored[0], RECORDED)
    register(live, "acme", display_name="Acme SA", effective_from="2026-05-01T00:00:00Z")
    query = "/v1/usage/breakdown?by=organization&from=2026-03-01&to=2026-04-30"
    for moment, called in ((START, "Acme"), (datetime(2026, 5, 2, tzinfo=UTC), "Acme SA")):
        clock.now = moment
        assert {part["value"]: part["name"] for part in get(live, query)["parts"]} == {"acme": called, "zen": "Zen"}


def test_another_zone_is_refused_once_usage_is_counted(live: TestClient, stored: tuple[Client, str]) -> None:
    store(stored[0], RECORDED)
    error = register(live, "acme", 409, time_zone="Asia/Tokyo", display_name="Tokyo")["error"]
    assert error["code"] == "calendar_in_use"
    assert ("acme", "Acme", "", "Europe/Paris") in organizations(live), "nothing of it is written"
    assert register(live, "nobody", 422, display_name="x")["error"]["message"].startswith("time_zone: '' is empty")


def test_e14_a_calendar_changes_at_a_local_midnight_by_a_published_revision(
    live: TestClient, stored: tuple[Client, str]
) -> None:
    store(stored[0], RECORDED)
    path, body = "/v1/organizations/acme/calendar", {"time_zone": "Asia/Tokyo", "first_day": "2026-05-01"}

    def change(status: int, **more: Any) -> Any:
        answer = live.post(path, json=body | more, headers=BOSS)
        assert answer.status_code == status, answer.text
        return answer.json()

    planned = change(202, dry_run=True, week_start=7)
    assert (planned["effective_from"], planned["control_id"]) == ("2026-04-30T22:00:00.000Z", None)
    count = "SELECT count() FROM {table}"
    tables = ("config_revisions", "control_records")
    rows = [stored[0].query(count.format(table=table)).result_rows[0][0] for table in tables]
    made = change(202, week_start=7, note="moved")
    after = [stored[0].query(count.format(table=table)).result_rows[0][0] for table in tables]
    assert after == [number + 1 for number in rows], "a dry run stores nothing"
    said = "SELECT kind, organization, author, note, source, content FROM config_revisions WHERE kind = 'calendar'"
    [(kind, organization, author, note, source, content)] = stored[0].query(said).result_rows
    assert (kind, organization, author, note, source) == ("calendar", "acme", "key 0a1b2c3d4e5f", "moved", "api")
    assert json.loads(content) == {
        "effective_from": "2026-04-30T22:00:00+00:00",
        "time_zone": "Asia/Tokyo",
        "week_start": 7,
    }
    place = {"partition": partition_of("acme", 4), "offset": 7}
    assert (made["revision"], made["places"]) == (1, [place])
    assert made["after"] == {"time_zone": "Asia/Tokyo", "week_start": 7}
    record = live.get(f"/v1/control/{made['control_id']}", headers=BOSS).json()
    assert (record["kind"], record["organization"], record["state"]) == ("config", "acme", "published")
    assert "nothing changes" in change(409, week_start=7)["error"]["message"]
    assert "choose a date after it" in change(422, time_zone="UTC", first_day="2026-04-20")["error"]["message"]
    assert "needs an hour's notice" in change(422, first_day="2026-04-02", time_zone="UTC")["error"]["message"]
    assert live.post(path.replace("acme", "zen"), json=body, headers=BOSS).status_code == 403


def test_prompts_are_those_used_and_those_known(live: TestClient, stored: tuple[Client, str]) -> None:
    store(stored[0], RECORDED)

    def total(headers: dict[str, str] = ACME) -> int:
        count: int = get(live, "/v1/overview", headers)["total_prompts"]
        return count

    together = total(ALL)
    assert total() == 3
    tell(live, id="p1", action="created", name="used already", time="2026-03-01T08:00:00Z")
    assert total() == 3
    tell(live, id="p8", action="created", name="never used", time="2026-03-01T08:00:00Z")
    tell(live, id="p9", action="created", name="never used either", time="2026-03-01T08:00:00Z")
    put(live, "prompt/p8?organization=zen", display_name="another's")
    assert (total(), total(ALL)) == (5, together + 3)
    tell(live, id="p9", action="archived", time="2026-03-02T08:00:00Z")
    tell(live, id="p1", action="archived", time="2026-03-02T08:00:00Z")
    assert total() == 4, "archived: p9 was never used, p1 was"


def test_the_user_who_writes_may_write_nothing_else(engine: Engine, stored: tuple[Client, str]) -> None:
    name = stored[1]
    refused = {
        f"INSERT INTO {name}.prices (model) FORMAT JSONEachRow": 497,
        f"ALTER TABLE {name}.directory_entries DELETE WHERE 1": 164,
        f"TRUNCATE TABLE {name}.directory_entries": 164,
        f"INSERT INTO {name}.directory_entries SELECT * FROM {name}.directory_entries": 164,
    }
    for sql, code in refused.items():
        engine.process.refuses(sql, code, "api_writer")
