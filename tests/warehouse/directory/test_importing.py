"""Imports on the real engine: all or nothing, a second time nothing, exported and imported again the same."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.engine import Engine
from warehouse.directory.changes import Outcome
from warehouse.directory.entry import Kind
from warehouse.directory.exporting import exported, left_out
from warehouse.directory.importing import SHOWN_PROBLEMS, Summary, import_file
from warehouse.errors import InvalidDirectoryFile
from warehouse.organizations import Organization, described, listed, register
from warehouse.queries.organizations import Organizations
from warehouse.queries.query import ask

pytestmark = pytest.mark.integration
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
Import = Callable[..., Summary]


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.database() as (client, _):
        yield client


@pytest.fixture
def imported(client: Client, tmp_path: Path) -> Import:
    def run(text: str | bytes, now: datetime = NOW, **options: Any) -> Summary:
        path = tmp_path / "directory.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_file(client, path, "test", now, **options)

    return run


def held(client: Client) -> list[tuple[Any, ...]]:
    names = "organization, kind, id, display_name, department, state"
    return list(map(tuple, client.query(f"SELECT {names} FROM directory ORDER BY 1, toUInt8(kind) % 8, 3").result_rows))


def count(client: Client) -> int:
    return int(client.query("SELECT count() FROM directory_entries").result_rows[0][0])


FIRST = """\
organization;kind;id;display_name;department;state;time_zone;week_start
;organization;acme;Acme SA;;;Europe/Paris;sunday
acme;department;sales;Sales;;;;
acme;user;u1;"Lovelace; Ada";sales;active;;
acme;user;u2;Bob;sales;;;
acme;user;u3;Cid;-;archived;;
"""
HELD = [
    ("acme", "organization", "acme", "Acme SA", "", "active"),
    ("acme", "department", "sales", "Sales", "", "active"),
    ("acme", "user", "u1", "Lovelace; Ada", "sales", "active"),
    ("acme", "user", "u2", "Bob", "sales", "active"),
    ("acme", "user", "u3", "Cid", "", "archived"),
]


def test_an_import_is_read_back_and_a_second_one_changes_nothing(client: Client, imported: Import) -> None:
    would = imported(FIRST, dry_run=True)
    assert (would, count(client), listed(client)) == (Summary({Outcome.CREATED: 5}, 1, 0), 0, [])
    assert imported("\ufeff" + FIRST) == would
    assert held(client) == HELD
    assert listed(client) == [Organization("acme", "Europe/Paris", 7, display_name="Acme SA")]
    assert imported(FIRST, NOW + timedelta(days=1)) == Summary({Outcome.UNCHANGED: 5}, 0, 1)
    assert count(client) == 5


def test_changes_are_told_and_the_past_stays(client: Client, imported: Import) -> None:
    imported(FIRST)
    text = (
        "organization,kind,id,display_name,department,state,effective_from\n"
        "acme,user,u1,Ada King,,,\n"
        "acme,user,u2,,,archived,\n"
        "acme,user,u3,,,active,2026-03-10\n"
        "acme,user,u4,Dan,,,2099-01-01\n"
        "acme,department,sales,Sales,,,\n"
    )
    outcomes = {Outcome.RENAMED: 1, Outcome.ARCHIVED: 1, Outcome.RESTORED: 1, Outcome.CREATED: 1, Outcome.UNCHANGED: 1}
    assert imported(text, dry_run=True).outcomes == imported(text).outcomes == outcomes
    assert [row[3:] for row in held(client)[2:]] == [
        ("Ada King", "sales", "active"),
        ("Bob", "sales", "archived"),
        ("Cid", "", "active"),
    ]
    history = client.query(
        "SELECT display_name, department, toString(effective_from), toString(effective_until) FROM directory_history"
        " WHERE id = 'u1' ORDER BY effective_from"
    ).result_rows
    assert history == [
        ("Lovelace; Ada", "sales", "1970-01-01 00:00:00.000", "2026-03-14 12:00:00.000"),
        ("Ada King", "sales", "2026-03-14 12:00:00.000", None),
    ]


def test_a_single_wrong_line_keeps_all_from_being_written(client: Client, imported: Import) -> None:
    with pytest.raises(InvalidDirectoryFile) as caught:
        imported(FIRST + "acme;user;u5;x;;gone;;\n")
    assert str(caught.value).endswith(
        "directory.csv has 1 problem, nothing was written:\n"
        "line 7: state: 'gone' is none of active, archived; choose one"
    )
    assert (count(client), listed(client)) == (0, [])


def test_some_of_many_problems_are_shown_and_the_rest_is_counted(imported: Import) -> None:
    text = "organization,kind,id,display_name\n" + "".join(f"acme,team,t{n},x\n" for n in range(50))
    with pytest.raises(InvalidDirectoryFile) as caught:
        imported(text)
    found = str(caught.value).splitlines()
    assert found[0].endswith("has 50 problems, nothing was written:")
    assert [line.partition(":")[0] for line in found[1:-1]] == [f"line {n}" for n in range(2, 2 + SHOWN_PROBLEMS)]
    assert found[-1] == "… and 30 more"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("acme,user,u1,A,\nacme,user,u1,B,", "line 3: id: 'u1' stands in line 2 already, for the same time"),
        (
            "acme,user,u1,A,2026-01-01\nacme,user,u1,B,",
            "line 3: effective_from: '' is not given for 'u1', but it is in line 2; give it in all lines of one "
            "entry or in none; 1970-01-01 is always",
        ),
        (
            "acme,user,u1,A,\nacme,user,u1,B,2026-11-10",
            "line 3: effective_from: '2026-11-10T00:00:00+00:00' is given for 'u1', but not in line 2; give it in all",
        ),
        (
            ",organization,x,A,\nx,organization,x,B,",
            "line 3: id: 'x' stands in line 2 already, for the same time; keep one of the two",
        ),
        (",organization,x,,", "line 2: time_zone: '' cannot be used: time_zone: '' is empty; give an IANA time zone"),
    ],
)
def test_lines_that_contradict_each_other(client: Client, imported: Import, lines: str, message: str) -> None:
    with pytest.raises(InvalidDirectoryFile) as caught:
        imported(f"organization,kind,id,display_name,effective_from\n{lines}\n")
    assert message in str(caught.value)
    assert count(client) == 0


def test_a_calendar_in_use_is_not_changed(client: Client, imported: Import) -> None:
    register(client, described("busy", "UTC", "monday"), "test")
    client.command("INSERT INTO usage_raw (organization, time, event_id) VALUES ('busy', now64(3), generateUUIDv4())")
    text = "organization,kind,id,display_name,time_zone\n,organization,busy,Busy Ltd,{}\nbusy,user,u1,Ada,\n"
    with pytest.raises(InvalidDirectoryFile, match="busy has usage that is counted in UTC"):
        imported(text.format("Asia/Tokyo"))
    assert count(client) == 0
    assert imported(text.format("")) == Summary({Outcome.CREATED: 2}, 0, 1)
    assert listed(client)[0].display_name == "Busy Ltd"


def test_an_organization_is_renamed_and_gets_a_plan_from_dates_on(client: Client, imported: Import) -> None:
    text = (
        "organization,kind,id,display_name,plan,effective_from,time_zone\n"
        "acme,organization,acme,Acme GmbH,PRO,2026-02-01,\n"
        "acme,organization,acme,Acme,,1970-01-01,\n"
        "acme,organization,acme,,,,Europe/Paris\n"
        "acme,organization,acme,Acme AG,-,2026-03-01,\n"
    )
    expected = Summary({Outcome.CREATED: 1, Outcome.RENAMED: 2}, 1, 0)
    assert imported(text, dry_run=True).organizations == 1
    assert (listed(client), count(client)) == ([], 0)
    assert imported(text).organizations == expected.organizations
    assert imported(text) == Summary({Outcome.UNCHANGED: 3}, 0, 1)
    assert listed(client) == [Organization("acme", "Europe/Paris", 1, display_name="Acme AG")]
    for at, name, plan in (((1, 31), "Acme", ""), ((2, 1), "Acme GmbH", "PRO"), ((3, 1), "Acme AG", "")):
        [one] = ask(client, Organizations(datetime(2026, *at, tzinfo=UTC)))
        assert (one.display_name, one.plan) == (name, plan)
    late = "organization,kind,id,display_name\nacme,organization,acme,Acme Inc\n"
    assert imported(late).outcomes == {Outcome.RENAMED: 1}
    [before] = ask(client, Organizations(NOW - timedelta(seconds=1)))
    assert (before.display_name, listed(client)[0].display_name) == ("Acme AG", "Acme Inc")


def test_a_file_that_is_not_utf_8(imported: Import) -> None:
    with pytest.raises(InvalidDirectoryFile, match="not UTF-8"):
        imported("organization,kind,id,display_name\nacme,user,u1,René\n".encode("latin-1"))


def test_what_is_exported_imports_again_unchanged_and_into_another_warehouse(
    client: Client, engine: Engine, imported: Import, tmp_path: Path
) -> None:
    imported(FIRST)
    imported('organization,kind,id,display_name,attributes\nacme,user,u1,Ada King,"{""a"":""1""}"\n')
    register(client, described("zen", "Asia/Kathmandu", "monday"), "test")
    file = io.StringIO(newline="")
    imported("organization,kind,id,display_name,plan,effective_from\nacme,organization,acme,Acme,PRO,2026-04-01\n")
    imported("organization,kind,id,display_name,effective_from\nseen,organization,seen,Nobody's yet,2026-04-01\n")
    assert exported(client, file) == 2 + 8
    assert imported(file.getvalue()) == Summary({Outcome.UNCHANGED: 8}, 0, 2)
    assert count(client) == 8
    again = io.StringIO(newline="")
    with engine.database() as (other, _):
        import_file(other, tmp_path / "directory.csv", "test", NOW)
        assert held(other) == held(client)
        exported(other, again)
    assert again.getvalue() == file.getvalue()
    only = io.StringIO(newline="")
    exported(client, only, organization="acme", kind=Kind.USER)
    assert {(row["organization"], row["kind"]) for row in csv.DictReader(io.StringIO(only.getvalue()))} == {
        ("acme", "user")
    }


def test_the_first_calendar_is_exported_and_changes_of_it_are_told(
    client: Client, engine: Engine, imported: Import, tmp_path: Path
) -> None:
    for name in ("acme", "zen"):
        register(client, described(name, "Europe/Paris", "monday"), "test")
    client.insert(
        "organizations",
        [["acme", datetime(2026, 1, 1, tzinfo=UTC), "Asia/Tokyo", 7, 1]],
        column_names=["organization", "effective_from", "time_zone", "week_start", "registered"],
    )
    file = io.StringIO(newline="")
    assert exported(client, file) == 2
    assert [row["time_zone"] for row in csv.DictReader(io.StringIO(file.getvalue()))] == ["Europe/Paris"] * 2
    assert left_out(client) == left_out(client, "acme") == ["acme"]
    assert left_out(client, "zen") == left_out(client, None, Kind.USER) == []
    assert imported(file.getvalue()) == Summary({}, 0, 2)
    assert [each.time_zone for each in listed(client)] == ["Asia/Tokyo", "Europe/Paris"]
    with engine.database() as (other, _):
        import_file(other, tmp_path / "directory.csv", "test", NOW)
        assert [each.time_zone for each in listed(other)] == ["Europe/Paris", "Europe/Paris"]


def test_many_organizations_are_registered_by_one_insert(
    client: Client, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(client, described("o0", "UTC", "monday"), "test")
    inserted, asked = list[int](), list[str]()
    insert, query = client.insert, client.query

    def counted(table: str, rows: list[Any], **options: Any) -> Any:
        inserted.append(len(rows))
        return insert(table, rows, **options)

    def told(sql: str, **options: Any) -> Any:
        asked.append(sql)
        return query(sql, **options)

    monkeypatch.setattr(client, "insert", counted)
    monkeypatch.setattr(client, "query", told)
    text = "kind,organization,id,time_zone\n" + "".join(f"organization,,o{n},UTC\n" for n in range(40))
    assert imported(text) == Summary({}, 39, 1)
    assert (inserted, len(asked)) == ([39], 4)
    assert len(listed(client)) == 40


def test_lines_about_one_entry_far_apart_are_told_the_same_with_and_without_writing(
    client: Client, imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.directory.importing.LINES_AT_ONCE", 2)
    text = "organization,kind,id,display_name,effective_from\n" + "".join(
        f"acme,prompt,p{n % 3},Name {n},2026-01-{n + 1:02}\n" for n in range(9)
    )
    would = imported(text, dry_run=True)
    assert would.outcomes == {Outcome.CREATED: 3, Outcome.RENAMED: 6}
    assert imported(text) == would
    assert count(client) == 9
    assert [row[3] for row in held(client)] == ["Name 6", "Name 7", "Name 8"]
