"""The table of statements: what is written is what is read, and the views say the same as the rules in Python."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse.engine import Engine
from warehouse.directory.changes import Outcome, in_force
from warehouse.directory.entry import Key, Kind, Said, State, Statement, Wish
from warehouse.directory.ledger import Rehearsal, StoredLedger, carry_out
from warehouse.queries.directory import DirectoryEntries, EntryFilter
from warehouse.queries.query import ask

pytestmark = pytest.mark.integration
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TEXTS = st.one_of(st.none(), st.sampled_from(["", "a", "it's", "\\", '\t"}', "名前 👩‍💻"]))


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[Client]:
    with engine.database() as (client, _):
        yield client


def test_what_is_written_is_read_back_with_every_sign(client: Client) -> None:
    keys = [Key("acme", kind, f"{kind} 'x' \\ \"y\" \t名") for kind in Kind]
    said = Said("Näme \\ '", "", "a@b", "owner", "x\ty", State.ARCHIVED, {"k'\\": "one\ntwo", "empty": ""})
    created = datetime(2026, 3, 1, 8, 0, 0, 123_456, tzinfo=UTC)
    statements = [Statement(key, NOW + timedelta(milliseconds=7), said, created) for key in keys]
    ledger = StoredLedger(client)
    ledger.write(statements, "somebody", "api")
    found = ledger.histories([*keys, Key("acme", Kind.USER, "nobody"), Key("zen", Kind.USER, keys[2].id)])
    assert found == {each.key: [each] for each in statements}
    assert {history[0].created for history in found.values()} == {created}
    assert ledger.histories([]) == {}
    comments = "SELECT count() FROM system.columns WHERE database = currentDatabase() AND comment = ''"
    assert client.query(f"{comments} AND table LIKE 'directory%'").result_rows == [(0,)]


def test_a_rehearsal_remembers_and_writes_nothing(client: Client) -> None:
    key = Key("rehearsed", Kind.USER, "u1")
    ledger = Rehearsal(StoredLedger(client))
    first, second = (Wish(key, None, Said(name)) for name in ("A", "B"))
    outcomes = [carry_out(ledger, [each], NOW, "x", "csv")[0][1].outcome for each in (first, second, second)]
    assert outcomes == [Outcome.CREATED, Outcome.RENAMED, Outcome.UNCHANGED]
    assert StoredLedger(client).histories([key]) == {}


def test_wishes_for_the_same_moment_in_one_batch_are_one_row(client: Client) -> None:
    key = Key("same", Kind.USER, "u1")
    wishes = [Wish(key, NOW, Said("A")), Wish(key, NOW, Said(role="owner")), Wish(key, NOW, Said("B"))]
    carry_out(StoredLedger(client), wishes, NOW, "x", "csv")
    assert StoredLedger(client).histories([key])[key] == [Statement(key, NOW, Said("B", role="owner"))]
    assert client.query("SELECT count() FROM directory_entries WHERE organization = 'same'").result_rows == [(1,)]


said = st.builds(
    Said,
    TEXTS.filter(lambda text: text != ""),
    TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    st.sampled_from([None, *State]),
    st.dictionaries(st.sampled_from("ab'"), st.sampled_from(["", "1", "it's"])),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(-5, 5), said), min_size=1, max_size=6, unique_by=lambda pair: pair[0]))
def test_sql_and_python_agree_about_what_holds(client: Client, pairs: list[tuple[int, Said]]) -> None:
    key = Key("agreed", Kind.USER, f"u{next(NUMBERS)}")
    statements = [Statement(key, NOW + day * DAY, words) for day, words in pairs]
    ledger = StoredLedger(client)
    ledger.write(statements, "x", "api")
    [history] = ledger.histories([key]).values()
    for day in range(-6, 6):
        at = NOW + day * DAY
        found = [one for one in ask(client, DirectoryEntries(EntryFilter("agreed"), at, 10_000)) if one.key == key]
        assert found == [entry for entry in [in_force(history, at)] if entry]
    newest = in_force(history, NOW + 6 * DAY)
    assert newest is not None
    shown = "display_name, department, role, plan, state"
    views = client.query(
        f"SELECT {shown} FROM directory WHERE organization = 'agreed' AND id = {{id:String}} UNION ALL "
        f"SELECT {shown} FROM directory_history WHERE organization = 'agreed' AND id = {{id:String}} "
        "AND effective_until IS NULL",
        parameters={"id": key.id},
    ).result_rows
    assert views == [(newest.display_name, newest.department, newest.role, newest.plan, str(newest.state))] * 2


NUMBERS = iter(range(1_000_000))
