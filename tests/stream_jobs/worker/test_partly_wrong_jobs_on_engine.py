"""Jobs of which a part cannot be, or that name events in every state, on the real engine."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from producers.control.request import content_of
from stream_jobs.control.repriced import TOO_EXPENSIVE
from stream_jobs.jobs import rewriting
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.lived import (
    FIRST,
    LATER,
    SECOND,
    THIRD,
    answer,
    counted,
    is_right,
    key_of,
    live,
    prepared,
)
from tests.stream_jobs.worker.sent import BEGIN, INPUT_NANO_USD, Posted, Sent, Told
from warehouse.control.following import followed
from warehouse.control.standing import State
from warehouse.errors import WarehouseRefused
from warehouse.queries.corrected import AwaitedChanges
from warehouse.queries.query import ask
from warehouse.queries.reconcile.reconcile import reconcile

pytestmark = pytest.mark.integration
__all__ = ["prepared"]
ABSURD = 10**12
STATES = "SELECT toString(state), message FROM jobs FINAL ORDER BY src_offset"
insert = Sink.insert
AWAITED = "SELECT count() FROM awaited_events FINAL WHERE met = -1"


def replaced(**tokens: int) -> Told:
    """The events of these users get so many input tokens."""
    users = {"u1": FIRST, "u2": SECOND, "u4": THIRD}
    events = [{**key_of(users[user]), "set": {"input_tokens": count}} for user, count in tokens.items()]
    return Told("replace", {"events": events}, number=1)


def agrees(warehouse: Client) -> None:
    assert [str(difference) for difference in reconcile(warehouse).differences] == []


@pytest.mark.parametrize("comes_first", [True, False])
@pytest.mark.parametrize("told", [replaced(u1=20, u2=ABSURD, u4=30), replaced(u2=ABSURD, u1=20, u4=30)])
def test_what_cannot_be_is_left_out_alone_and_told(
    warehouse: Client, sink: Sink, tmp_path: Path, told: Told, *, comes_first: bool
) -> None:
    events = Posted((FIRST, SECOND, THIRD))
    posted: list[Posted | Told] = [events, told] if comes_first else [told, events]
    live(sink, tmp_path / "a", posted)
    tokens = {"u1": 20, "u2": 100, "u4": 30}
    assert counted(warehouse) == {user: (1, count * INPUT_NANO_USD) for user, count in tokens.items()}
    agrees(warehouse)
    if comes_first:
        [(state, message)] = answer(warehouse, STATES)
        assert state == "failed"
        assert message.startswith("stays as it was, all others are changed: 1 events: the event would cost more than")
        assert answer(warehouse, "SELECT input_tokens FROM corrections ORDER BY input_tokens") == [(10,), (50,)]
        assert answer(warehouse, "SELECT events FROM repairs FINAL") == [(2,)]


@pytest.mark.parametrize("dies", [False, True])
def test_an_event_that_came_later_and_may_not_become_so_is_told(
    warehouse: Client, sink: Sink, tmp_path: Path, *, dies: bool
) -> None:
    """Also when the worker died after the answer was written and before it counted the event's place as done."""
    told = replaced(u2=ABSURD, u4=30)
    posted: list[Posted | Told] = [Posted((FIRST,)), told]
    live(sink, tmp_path / "a", posted)
    before = followed(warehouse, told.control_id)
    assert (before.awaited, before.messages) == (2, ())
    posted.append(Posted((SECOND, THIRD)))
    if dies:
        with patch.object(Sink, "insert", unless_progress), pytest.raises(ZeroDivisionError):
            live(sink, tmp_path / "a", posted)
        assert followed(warehouse, told.control_id).awaited == 0
    live(sink, tmp_path / "a", posted)
    after = followed(warehouse, told.control_id)
    assert (after.state, after.awaited) == (State.DONE, 0)
    assert after.messages == (f"1 named event that came later stays as it was: {TOO_EXPENSIVE}, or of the prices",)
    assert after.standings[0].stayed == {TOO_EXPENSIVE: 1}
    found = answer(warehouse, "SELECT input_tokens, control_offset > 0 FROM usage_raw FINAL ORDER BY user_id")
    assert found == [(10, False), (100, False), (30, True)]
    [(event_id,)] = answer(warehouse, "SELECT event_id FROM usage_raw FINAL WHERE user_id = 'u2'")
    assert [each.refusal for each in ask(warehouse, AwaitedChanges(event_id))] == [TOO_EXPENSIVE]


def unless_progress(sink: Sink, table: str, *arguments: Any) -> None:
    if table == "partition_progress":
        raise ZeroDivisionError
    insert(sink, table, *arguments)


def test_among_events_with_one_change_the_absurd_one_is_left_out_alone(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """A second is priced by its output tokens too: with so many input tokens only it costs too much."""
    dear = Sent(7, THIRD.time, user="u7", input_tokens=1, output_tokens=10**11)
    told = Told("replace", {"selection": {"model": "large"}, "set": {"input_tokens": 10**11 + 1}}, number=1)
    live(sink, tmp_path / "a", [Posted((FIRST, dear)), told])
    assert counted(warehouse)["u1"] == (1, (10**11 + 1) * INPUT_NANO_USD)
    assert counted(warehouse)["u7"] == (1, INPUT_NANO_USD + 8000 * 10**11)
    agrees(warehouse)


def test_rows_follow_raw_events_of_a_day_that_fails_in_the_middle(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    kept, calls = rewriting.kept, list[Any]()

    def refused(*arguments: Any) -> str:
        calls.append(arguments)
        if len(calls) == 2:
            raise WarehouseRefused("no such column")
        return kept(*arguments)

    said = [{**key_of(FIRST), "set": {"input_tokens": 20}}, {**key_of(SECOND), "set": {"output_tokens": 30}}]
    with patch.object(rewriting, "kept", refused):
        live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), Told("replace", {"events": said}, number=1)])
    assert answer(warehouse, STATES) == [("failed", "no such column")]
    assert counted(warehouse) == {"u1": (1, 20 * INPUT_NANO_USD), "u2": (1, 100 * INPUT_NANO_USD)}
    agrees(warehouse)


@pytest.mark.parametrize("step", [0, 1])
def test_a_thousand_changes_alike_or_not_are_written_by_a_few_statements(
    warehouse: Client, sink: Sink, tmp_path: Path, step: int
) -> None:
    events = [Sent(number, BEGIN + timedelta(seconds=number), input_tokens=1) for number in range(1000)]
    said = [{**key_of(each), "set": {"input_tokens": 2 + step * number}} for number, each in enumerate(events)]
    told = Told("replace", {"events": said}, number=1)
    with patch.object(rewriting, "kept", wraps=rewriting.kept) as kept:
        live(sink, tmp_path / "a", [Posted(tuple(events[:100])), told, Posted(tuple(events[100:101]))])
    assert kept.call_count == 1
    assert answer(warehouse, "SELECT toString(state), slices FROM jobs FINAL") == [("done", 1)]
    stored = "SELECT count(), sum(input_tokens), max(input_tokens), sum(cost_nano_usd) FROM usage_raw FINAL"
    tokens = 202 + step * 5050
    assert answer(warehouse, stored) == [(101, tokens, 2 + step * 100, tokens * INPUT_NANO_USD)]
    assert answer(warehouse, AWAITED) == [(899,)]
    assert is_right(warehouse)


def test_different_values_become_what_they_would_alone(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    """Every kind of value: texts, counts, none any more, quantities, amounts of money, with odd signs in them."""
    replaced: list[dict[str, Any]] = [
        {"user_id": "o'\\{x:String}", "input_tokens": 7, "quantities": {"web_searches": "0.1"}, "duration_ms": 5},
        {"user_id": "\u2028😀", "input_tokens": 0, "quantities": {}, "clear": ["duration_ms"]},
        {"user_id": "", "input_tokens": 10**9, "quantities": {"audio_seconds": 2}, "duration_ms": 2**31 - 1},
        {"reported_cost_usd": "0.123456789", "model": "large", "service_tier": "batch"},
        {"reported_cost_usd": "7", "model": "nobody's", "service_tier": ""},
    ]
    amended: list[dict[str, Any]] = [
        {"rating": 1, "status": "error", "category": "chat"},
        {"clear": ["rating"], "status": "cancelled", "category": ""},
        {"rating": 5, "status": "success", "category": "sql"},
    ]
    times = [BEGIN + timedelta(minutes=7 * number) for number in range(5)]
    together, alone = ([Sent(first + n, time) for n, time in enumerate(times)] for first in (100, 200))
    bodies: list[tuple[str, list[dict[str, Any]]]] = []
    for kind, sets in (("replace", replaced), ("amend", amended)):
        at_once, single = (
            [{**key_of(each), "set": v} for each, v in zip(sent, sets, strict=False)] for sent in (together, alone)
        )
        bodies += [(kind, at_once), *((kind, [each]) for each in single)]
    told = [
        Told(kind, content_of(kind, "acme", {"events": events}), number=number)
        for number, (kind, events) in enumerate(bodies)
    ]
    live(sink, tmp_path / "a", [Posted((*together, *alone)), *told])
    differing = "event_id, source_id, src_index, control_offset"
    same = f"SELECT * EXCEPT ({differing}) FROM usage_raw FINAL WHERE src_index {{}} 5 ORDER BY time"
    rows = [answer(warehouse, same.format(sign)) for sign in ("<", ">=")]
    assert len(rows[0]) == 5
    assert rows[0] == rows[1]
    assert is_right(warehouse)


def test_events_that_were_erased_are_not_awaited(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    erase = Told("erase", {"user_id": "u1"}, number=1)
    void = Told("void", {"events": [key_of(FIRST), key_of(SECOND), key_of(LATER)]}, number=2)
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), erase, void])
    assert answer(warehouse, "SELECT event_id FROM awaited_events FINAL WHERE met = -1") != []
    assert answer(warehouse, AWAITED) == [(1,)], "of the one that never came"


def test_events_named_by_a_job_that_is_cancelled_before_it_begins_are_not_told_as_awaited(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    void = Told("void", {"events": [key_of(each) for each in (FIRST, SECOND, LATER)]}, number=2)
    row = [void.control_id, "cancel", "ada"]
    warehouse.insert("job_orders", [row], column_names=["control_id", "wanted", "author"])
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), void])
    assert [state for state, _ in answer(warehouse, STATES)] == ["cancelled"]
    assert answer(warehouse, AWAITED) == [(1,)]
    assert counted(warehouse) == {"u1": (1, 10 * INPUT_NANO_USD), "u2": (1, 100 * INPUT_NANO_USD)}


def test_a_cancelled_erasure_tells_what_is_not_awaited_any_more(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    told = [Told("void", {"events": [key_of(LATER)]}, number=1), Told("erase", {}, number=2)]
    row = [told[1].control_id, "cancel", "ada"]
    warehouse.insert("job_orders", [row], column_names=["control_id", "wanted", "author"])
    live(sink, tmp_path / "a", [Posted((FIRST,)), *told])
    assert answer(warehouse, STATES) == [
        ("done", ""),
        ("cancelled", "1 corrections of events to come are not awaited any more: ask for them again"),
    ]


def test_e24_an_erasure_without_events_removes_what_names_the_user_before_it_is_done(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """The user's only event is another's by now: former versions of it still name the user."""
    moved = Told("replace", {"events": [{**key_of(FIRST), "set": {"user_id": "u2"}}]}, number=1)
    erase = Told("erase", {"user_id": "u1"}, number=2)
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), moved, erase])
    assert answer(warehouse, "SELECT toString(state), slices FROM jobs FINAL ORDER BY src_offset") == [
        ("done", 1),
        ("done", 1),
    ]
    for table in ("usage_raw", "rollup", "corrections"):
        assert answer(warehouse, f"SELECT count() FROM {table} WHERE user_id = 'u1'") == [(0,)], table
    assert counted(warehouse) == {"u2": (2, 110 * INPUT_NANO_USD)}
    assert is_right(warehouse)


def test_e24_an_erasure_of_an_organization_that_nobody_knows_registers_none(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    live(sink, tmp_path / "a", [Posted((FIRST,)), Told("erase", {}, organization="nobody", number=1)])
    assert answer(warehouse, "SELECT toString(state), slices FROM jobs FINAL") == [("done", 0)]
    assert answer(warehouse, "SELECT count() FROM organizations WHERE organization = 'nobody'") == [(0,)]


def test_an_erasure_tells_events_and_not_rows(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND, LATER)), Told("erase", {"user_id": "u1"}, number=1)])
    assert answer(warehouse, "SELECT sum(events) FROM repairs FINAL") == [(2,)]


def test_a_replacement_keeps_everything_that_it_can_change(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    said = {"plan": "PRO", "api_key_id": "k2", "error_code": "e2", "reasoning_tokens": 5, "output_tokens": 2}
    searched, nothing = {"quantities": {"web_searches": "2"}}, {"quantities": {}, "plan": "FREE"}
    first, again = (
        Told("replace", {"events": [{**key_of(FIRST), "set": each}]}, number=number)
        for number, each in enumerate(({**said, **searched}, nothing))
    )
    live(sink, tmp_path / "a", [Posted((FIRST,)), first, again])
    columns = "plan, api_key_id, error_code, reasoning_tokens, total_output_tokens, toJSONString(quantities)"
    found = answer(warehouse, f"SELECT {columns} FROM corrections_log ORDER BY asked")
    assert found[0] == ("", "", "", 0, 0, "{}")
    assert found[1][:5] == ("PRO", "k2", "e2", 5, 7)
    assert "web_searches" in found[1][5]
