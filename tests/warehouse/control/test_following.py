"""Control records as people see them, from the rows that asking, publishing and the workers leave."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.control.asked import NOW, job, logged, record, slices, stored
from tests.warehouse.engine import Engine
from warehouse.control import orders
from warehouse.control.following import followed, newest
from warehouse.control.orders import Order
from warehouse.control.records import RecordPosition, Records
from warehouse.control.standing import Slices, State
from warehouse.errors import NoSuchRecord, OrderRefused
from warehouse.queries.query import ask

pytestmark = pytest.mark.integration


AWAITED = ("src_partition", "src_offset", "organization", "time", "event_id", "control_id", "kind", "met")


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.database() as (client, _):
        yield client


def test_a_record_on_its_way(client: Client) -> None:
    asked = record(1, "repair", "", first="2026-03-01", last="2026-03-02")
    name = stored(client, asked, [3, 4])
    found = followed(client, name)
    assert (found.state, found.asked.body) == (State.UNPUBLISHED, asked.content)
    assert (found.asked.author, found.asked.note, found.asked.created) == ("ada", "a wrong key", asked.created)
    stored(client, asked, [3, 4], published=[3])
    assert followed(client, name).state is State.UNPUBLISHED
    stored(client, asked, [3, 4], published=[4])
    assert followed(client, name).state is State.PUBLISHED
    assert [each.offset for each in followed(client, name).standings] == [30, 40]

    logged(client, asked, 3, "applied", 30)
    logged(client, asked, 3, "repeated", 35)
    job(client, asked, 3, "asked")
    assert followed(client, name).state is State.WORKING
    job(client, asked, 3, "planned", slices=4)
    slices(client, asked, 3, "done", "running", "failed", message="too much")
    three, four = followed(client, name).standings
    assert (three.offset, three.repeats, three.planned) == (30, 1, 4)
    assert three.slices == Slices(3, done=1, failed=1, waiting=1, events=3, messages=("too much",), running=1)
    assert four.state is State.PUBLISHED
    assert dict(followed(client, name).slices)["total"] == 4
    assert followed(client, name).messages == ("too much",)

    slices(client, asked, 3, "done", "done", of=1)
    assert followed(client, name).standings[0].slices.done == 3, "slices of a former generation are the job's too"

    job(client, asked, 3, "failed", slices=4, message="one slice failed")
    logged(client, asked, 4, "refused", 40, "no such revision")
    assert followed(client, name).state is State.FAILED
    assert followed(client, name).messages == ("one slice failed", "too much", "no such revision")


def test_jobs_behind_a_paused_one_say_which(client: Client) -> None:
    replay, erasure, other = record(1, "replay", "", first="2026-01-01"), record(2, "erase", user_id="u"), record(3)
    for place, each in enumerate((replay, erasure, other), 30):
        stored(client, each, [3], [3])
        logged(client, each, 3, "applied", place)
        job(client, each, 3, "asked", offset=place)
    behind = f"waits for replay {replay.control_id}, which"
    assert followed(client, replay.control_id).messages == ()
    assert followed(client, erasure.control_id).messages == (f"{behind} was asked for before",)
    assert orders.give(client, replay.control_id, Order.PAUSE, "ada")
    told = {each.asked.control_id: each.messages for each in newest(client, Records())}
    assert told[erasure.control_id] == told[other.control_id] == (f"{behind} is paused: resume or cancel it",)
    assert orders.give(client, replay.control_id, Order.RESUME, "ada")
    assert followed(client, other.control_id).messages == (f"{behind} was asked for before",)
    for each in (replay, erasure):
        job(client, each, 3, "done", offset=30)
    assert followed(client, other.control_id).messages == ()


def test_a_repeat_is_never_taken_for_what_became_of_it(client: Client) -> None:
    asked = record(1)
    name = stored(client, asked, [3], [3])
    logged(client, asked, 3, "repeated", 20)
    assert followed(client, name).state is State.APPLIED
    logged(client, asked, 3, "refused", 30, "too old")
    assert followed(client, name).state is State.REFUSED


def test_the_list(client: Client) -> None:
    for number in range(1, 6):
        organization = "zen" if number == 2 else "acme"
        stored(client, record(number, "erase" if number == 4 else "void", organization, user_id="u"), [3], [3])
    logged(client, record(3), 3, "refused", 30)

    def numbers(which: Records, state: State | None = None) -> list[int]:
        return [int(each.asked.control_id[-2:]) for each in newest(client, which, state)]

    assert numbers(Records()) == [5, 4, 3, 2, 1]
    assert numbers(Records(kind="erase")) == [4]
    assert numbers(Records(organization="zen")) == [2]
    assert numbers(Records(organization="")) == []
    assert numbers(Records(), State.REFUSED) == [3]
    page = ask(client, Records(limit=2))
    assert [each.body for each in page] == [None, None]
    after = RecordPosition(page[-1].created, page[-1].control_id)
    assert [int(each.control_id[-2:]) for each in ask(client, Records(limit=2, after=after))] == [3, 2]


def test_every_page_is_read(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.control.following.PAGE", 2)
    for number in range(1, 6):
        stored(client, record(number), [3])
    assert [int(each.asked.control_id[-2:]) for each in newest(client, Records())] == [5, 4, 3, 2, 1]


def test_orders(client: Client) -> None:
    asked = record(1)
    name = stored(client, asked, [3], [3])
    logged(client, asked, 3, "applied", 30)
    job(client, asked, 3, "planned", slices=1)
    assert orders.give(client, name, Order.PAUSE, "ada")
    assert not orders.give(client, name, Order.PAUSE, "ada")
    assert followed(client, name).state is State.PAUSED
    assert orders.give(client, name, Order.RESUME, "ada")
    assert followed(client, name).state is State.WORKING
    assert orders.give(client, name, Order.CANCEL, "bob")
    assert not orders.give(client, name, Order.CANCEL, "bob")
    for late in (Order.PAUSE, Order.RESUME):
        with pytest.raises(OrderRefused, match="was cancelled, and that is for good"):
            orders.give(client, name, late, "ada")
    job(client, asked, 3, "cancelled")
    assert followed(client, name).state is State.CANCELLED
    rows = client.query("SELECT toString(wanted), author FROM job_orders ORDER BY given, wanted").result_rows
    assert list(rows) == [("pause", "ada"), ("run", "ada"), ("cancel", "bob")]


def test_what_is_done_cannot_be_cancelled(client: Client) -> None:
    asked = record(1)
    name = stored(client, asked, [3], [3])
    logged(client, asked, 3, "applied", 30)
    job(client, asked, 3, "done", slices=1)
    with pytest.raises(OrderRefused, match=f"{name} is done: nothing is left to cancel"):
        orders.give(client, name, Order.CANCEL, "ada")


def test_what_never_was_cannot_be_ordered(client: Client) -> None:
    with pytest.raises(NoSuchRecord, match="there is no control record 0000"):
        orders.give(client, "00000000-0000-0000-0000-000000000009", Order.PAUSE, "ada")
    config = record(1, "config", "", subject="prices", revision=2, content_hash="0" * 64)
    stored(client, config, [3], [3])
    with pytest.raises(OrderRefused, match="is a config record"):
        orders.give(client, config.control_id, Order.PAUSE, "ada")


def test_an_erasure_has_a_certificate(client: Client) -> None:
    asked = record(1, "erase", user_id="u")
    name = stored(client, asked, [3], [3])
    assert followed(client, name).standings[0].certificate is None
    for version, told in ((1, {"removed": {"usage_raw": 4}}), (2, {"removed": {"usage_raw": 4}, "swept": "later"})):
        row = [3, name, 30, "acme", "h", "k", NOW, ("erased", "complete")[version - 1], json.dumps(told), NOW, version]
        columns = ["src_partition", "control_id", "src_offset", "organization", "user_hash", "key_check", "asked"]
        client.insert("erasures", [row], column_names=[*columns, "state", "certificate", "due", "version"])
        assert followed(client, name).standings[0].certificate == told


@pytest.mark.parametrize("state", ["running", "done", "failed"])
def test_an_erasure_that_has_begun_cannot_be_cancelled(client: Client, state: str) -> None:
    asked = record(1, "erase", user_id="u1")
    name = stored(client, asked, [3], [3])
    logged(client, asked, 3, "applied", 30)
    job(client, asked, 3, "planned", slices=2)
    slices(client, asked, 3, state, "asked")
    with pytest.raises(OrderRefused, match="has begun: its events are gone or being removed"):
        orders.give(client, name, Order.CANCEL, "ada")
    assert orders.give(client, name, Order.PAUSE, "ada")


def test_an_erasure_that_has_not_begun_can_be_cancelled(client: Client) -> None:
    asked = record(1, "erase", user_id="u1")
    name = stored(client, asked, [3], [3])
    logged(client, asked, 3, "applied", 30)
    job(client, asked, 3, "planned", slices=2)
    slices(client, asked, 3, "asked", "asked")
    assert orders.give(client, name, Order.CANCEL, "ada")


def test_events_that_are_named_and_have_not_come_are_counted(client: Client) -> None:
    asked, other = record(1), record(2)
    names = [stored(client, each, [3, 4], [3, 4]) for each in (asked, other)]
    columns = list(AWAITED)
    rows = [
        [3, 30, "acme", NOW, UUID(int=number), names[0], "void", met] for number, met in enumerate((-1, -1, -2, 35))
    ]
    client.insert(
        "awaited_events", [*rows, [4, 40, "acme", NOW, UUID(int=9), names[1], "void", -1]], column_names=columns
    )
    for state in ("planned", "cancelled"):
        job(client, asked, 3, state)
        found = followed(client, names[0])
        assert ([each.awaited for each in found.standings], found.awaited) == ([2, 0], 2)
    assert followed(client, names[1]).awaited == 1


def test_events_that_came_later_and_stayed_as_they_were_are_told_with_the_reason(client: Client) -> None:
    asked = record(1)
    name = stored(client, asked, [3], [3])
    logged(client, asked, 3, "applied", 30)
    job(client, asked, 3, "done")
    texts = ['{"refusal": "too dear"}', '{"refusal": "too many"}', '{"refusal": "too dear"}', "{}", "{}"]
    client.insert(
        "awaited_events",
        [
            [3, 30, "acme", NOW, UUID(int=number), name, "replace", met, text]
            for number, (met, text) in enumerate(zip((35, 35, 36, 36, -1), texts, strict=True))
        ],
        column_names=[*AWAITED, "change"],
    )
    found = followed(client, name)
    assert (found.state, found.awaited, found.standings[0].stayed) == (State.DONE, 1, {"too dear": 2, "too many": 1})
    assert found.messages == (
        "2 named events that came later stay as they were: too dear, or of the prices",
        "1 named event that came later stays as it was: too many, or of the prices",
    )
