"""E24 end to end: after an erasure no byte of the user is on disk, and nobody else's numbers change."""

import json
import urllib.error
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.installation import Installation
from producers.keys.store import KeyStore
from tests.conftest import free_port_base
from tests.integration.erasing import event, files_with, numbers, send, until_no_file_holds
from tests.running import Tally, until

pytestmark = pytest.mark.integration
USER, OTHER = "zqx-forget-me-7c1e", "somebody-else"
EVENTS = 40
SWEEP_SECONDS = 3


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("erased") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALLY_ERASURE_SWEEP_SECONDS", str(SWEEP_SECONDS))
        made = Installation(home, port_base=free_port_base(), partitions=2, workers=1, kafka_heap_mb=320)
        try:
            made.up(without=("superset", "api"))
            yield made
        finally:
            made.down()


@pytest.fixture(scope="module")
def secret(own: Installation) -> str:
    return KeyStore(own.home.keys).create(name="erased", organization=None, scopes={"ingest"})[1]


def test_no_byte_of_an_erased_user_stays(own: Installation, secret: str) -> None:
    tally = Tally(own)
    mine = [event(USER, number) for number in range(EVENTS)]
    others = [event(OTHER, number) for number in range(EVENTS)]
    send(own, secret, [*mine, *others])
    refused = event(USER, 1, input_tokens=-5)
    with pytest.raises(urllib.error.HTTPError, match="422"):
        send(own, secret, [refused])
    daily = "SELECT day, requests, cost_usd FROM usage_daily WHERE user_id = '{}' ORDER BY day"
    until("both are counted", lambda: sum(row[1] for row in numbers(own, daily.format(USER))) == EVENTS)
    until("the refusal is kept", lambda: numbers(own, "SELECT count() FROM rejected") == [(1,)])
    before = numbers(own, daily.format(OTHER))
    assert sum(row[1] for row in before) == EVENTS
    rated = f"{mine[0]['event_id']}@{mine[0]['time']}"
    tally("amend", "--organization", "acme", "--event", rated, "--set", "rating=4", "--yes", "--wait")
    assert numbers(own, daily.format(USER)) != []
    assert files_with(own, USER)

    tally("erase", "--organization", "acme", "--user", USER, "--note", f"request of {USER}", "--yes", "--wait")
    assert numbers(own, daily.format(USER)) == []
    assert numbers(own, daily.format(OTHER)) == before
    send(own, secret, mine)  # copies stay copies
    duplicates = "SELECT sum(duplicates) FROM partition_progress FINAL"
    until("copies are known", lambda: numbers(own, duplicates) == [(EVENTS,)])

    complete = "SELECT toString(state) FROM erasures FINAL WHERE organization = 'acme'"
    until("the erasure is complete", lambda: numbers(own, complete) == [("complete",)], seconds=200)
    ids = [each["event_id"] for each in mine]
    until_no_file_holds(own, USER, ids[0], refused["event_id"], seconds=400)
    for table in ("usage_raw", "event_id_lookup", "event_id_log", "corrections", "rejected", "awaited_events"):
        named = ", ".join(f"'{each}'" for each in ids)
        assert numbers(own, f"SELECT count() FROM {table} WHERE toString(event_id) IN ({named})") == [(0,)], table
    assert numbers(own, daily.format(OTHER)) == before
    assert tally("reconcile", check=False).returncode == 0
    certificate = json.loads(numbers(own, "SELECT certificate FROM erasures FINAL WHERE organization = 'acme'")[0][0])
    assert certificate["removed"]["events"] == EVENTS
    assert certificate["removed"]["rejected"] == 1
    assert {"usage_raw", "event_id_lookup", "event_id_log", "corrections"} <= certificate["removed"].keys()
    dated = [each["until"] for each in certificate["only_time_clears"] if "topic" in each["what"]]
    assert len(dated) == 2
    assert min(datetime.strptime(f"{day}+0000", "%Y-%m-%d %H:%M UTC%z") for day in dated) > datetime.now(UTC)


HOUSE = "house-of-dust"
PEOPLE = ["ada~lorn~7c41", "bobbin_unseen88", "Xeverglade.31"]
REGISTER = f"""organization,kind,id,display_name,email,department,time_zone
{HOUSE},organization,{HOUSE},Forgetful,,,Europe/Paris
{HOUSE},department,cellar#9,Quiet Jumble Floor,,,
{HOUSE},user,{PEOPLE[0]},Wilma Nameless,hush5@vow.example,cellar#9,
acme,user,{OTHER},Somebody Else,else@example.org,,
"""
NAMES = ("Wilma Nameless", "hush5@vow.example", "Quiet Jumble Floor", "cellar#9")
"""What only the directory knew of it. Files are compressed: no two of these texts share four characters."""
REMEMBERS = {"organizations", "erasures", "control_records", "control_log", "jobs", "repairs", "tombstones"}
"""Tables in which the organisation's name may stay: it is registered, and that it was erased is no secret."""
MARKS = {"touched_periods", "org_calendar", "calendar"}


def test_no_byte_of_an_erased_organization_stays(own: Installation, secret: str, tmp_path: Path) -> None:
    tally = Tally(own)
    (tmp_path / "register.csv").write_text(REGISTER)
    tally("directory", "import", str(tmp_path / "register.csv"))
    mine = [event(user, number, organization=HOUSE) for number, user in enumerate(PEOPLE * 10)]
    others = [event(OTHER, number) for number in range(EVENTS)]
    send(own, secret, [*mine, *others])
    refused = event(PEOPLE[0], 1, organization=HOUSE, input_tokens=-5)
    with pytest.raises(urllib.error.HTTPError, match="422"):
        send(own, secret, [refused])
    daily = "SELECT day, user_id, requests, cost_usd FROM usage_daily WHERE organization = '{}' ORDER BY ALL"
    until("all are counted", lambda: sum(row[2] for row in numbers(own, daily.format(HOUSE))) == len(mine))
    count = "SELECT count() FROM usage_raw FINAL WHERE organization = 'acme' AND user_id = 'somebody-else'"
    sent = numbers(own, count)
    until(
        "the refusal is kept",
        lambda: numbers(own, f"SELECT count() FROM rejected WHERE organization = '{HOUSE}'") == [(1,)],
    )
    others_directory = "SELECT * FROM directory_entries FINAL WHERE organization = 'acme' ORDER BY ALL"
    before, entries = numbers(own, daily.format("acme")), numbers(own, others_directory)
    assert len(entries) == 1
    rated = f"{mine[0]['event_id']}@{mine[0]['time']}"
    to_come = event(PEOPLE[1], 0, organization=HOUSE)
    awaited = f"{to_come['event_id']}@{to_come['time']}"
    asked = ("--organization", HOUSE, "--set", "rating=4", "--yes", "--wait")
    tally("amend", "--event", rated, *asked)
    tally("amend", "--event", awaited, *asked)
    secrets = (*PEOPLE, *NAMES, refused["event_id"], mine[0]["event_id"], to_come["event_id"])
    assert [text for text in (*PEOPLE, *NAMES) if not files_with(own, text)] == []

    tally("erase", "--organization", HOUSE, "--everything", "--yes", "--wait")
    assert numbers(own, daily.format(HOUSE)) == []
    assert numbers(own, daily.format("acme")) == before
    of_house = f"SELECT toString(state) FROM erasures FINAL WHERE organization = '{HOUSE}'"
    until("the erasure is complete", lambda: numbers(own, of_house) == [("complete",)], seconds=200)
    until_no_file_holds(own, *secrets, seconds=400)
    assert still_names(own, HOUSE) <= REMEMBERS | MARKS
    assert numbers(own, daily.format("acme")) == before
    assert numbers(own, count) == sent
    assert numbers(own, others_directory) == entries
    assert tally("reconcile", check=False).returncode == 0

    [(told,)] = numbers(own, f"SELECT certificate FROM erasures FINAL WHERE organization = '{HOUSE}'")
    certificate = json.loads(told)
    assert certificate["subject"] == "organization"
    removed = certificate["removed"]
    assert (removed["events"], removed["rejected"], removed["directory_entries"]) == (len(mine), 1, 3)
    assert {"rollup", "rollup_thread"} <= {table for table, rows in removed.items() if rows}
    cleared = " ".join(each["what"] for each in certificate["only_time_clears"])
    assert [word for word in ("event topic", "backups") if word not in cleared] == []
    assert "files" not in cleared
    assert {"swept", "complete"} <= certificate.keys()


def still_names(installation: Installation, organization: str) -> set[str]:
    """Tables with a row of the organisation."""
    named = (
        "SELECT table FROM system.columns AS c INNER JOIN system.tables AS t ON t.database = c.database "
        "AND t.name = c.table WHERE c.database = currentDatabase() AND c.name = 'organization' "
        "AND t.engine LIKE '%MergeTree'"
    )
    tables = [row[0] for row in numbers(installation, named)]
    held = (f"SELECT count() FROM {table} WHERE organization = '{organization}'" for table in tables)
    return {table for table, sql in zip(tables, held, strict=True) if numbers(installation, sql) != [(0,)]}
