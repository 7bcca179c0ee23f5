"""Closing days of recorded usage: the figures stay, and everything that happens later is told apart by its cause."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.engine import Engine
from tests.warehouse.recorded import Event, events, measures_of, raw_rows, rollup_rows, store
from warehouse.errors import PeriodRefused
from warehouse.families import FAMILIES
from warehouse.periods.changes import Cause, Place, Sums
from warehouse.periods.closing import changes_since, close
from warehouse.queries.periods import ClosedPeriod, ClosedPeriods
from warehouse.queries.query import ask

pytestmark = pytest.mark.integration
FIRST, LAST = date(2026, 3, 28), date(2026, 3, 31)
NOW = datetime(2026, 4, 5, tzinfo=UTC)
RECORDED = events()
CORRECTED = ("provider", "model", "cost_nano_usd", "billed_nano_usd", "credits_micro")


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    with engine.database() as (client, _):
        store(client, RECORDED)
        yield client


def closed(client: Client, first: date = FIRST, last: date = LAST, organization: str = "acme") -> ClosedPeriod:
    return close(client, organization, first, last, author="ada", note="month-end", now=NOW)


def inside(event: Event) -> bool:
    return bool(event["organization"] == "acme" and FIRST <= event["day"] <= LAST)


def sums_of(some: list[Event]) -> Sums:
    tokens = sum(measures_of(event)["total_input_tokens"] + measures_of(event)["total_output_tokens"] for event in some)
    money = (Decimal(sum(event[name] for event in some)).scaleb(-places) for name, places in MONEY)
    return Sums(len(some), tokens, *money)


MONEY = (("cost_nano_usd", 9), ("billed_nano_usd", 9), ("credits_micro", 6))
MINE = [event for event in RECORDED if inside(event)]


def place_of(event: Event) -> Place:
    return Place(event["day"], event["provider"], event["model"])


def rolled_up(client: Client, some: list[Event]) -> None:
    """Rollup rows as they are with other events: newer than those that are there."""
    days = [row for row in some if row["organization"] == "acme"]
    for family in FAMILIES:
        rows = rollup_rows(days, family, "day")
        client.command(f"ALTER TABLE {family.table} DELETE WHERE organization = 'acme' SETTINGS mutations_sync = 1")
        rows.insert(client)


def correct(client: Client, event: Event, kind: str, version: int, **after: Any) -> Event:
    """What a job writes: the former version to corrections, then the row anew."""
    former = {name: event[name] for name in ("organization", "time", "event_id", "day", "src_partition", *CORRECTED)}
    former |= {"control_offset": version, "control_id": UUID(int=version), "kind": kind}
    tokens = measures_of(event)
    former |= {"input_tokens": tokens["total_input_tokens"], "output_tokens": tokens["total_output_tokens"]}
    client.insert("corrections", [list(former.values())], column_names=list(former))
    changed = event | after | {"control_offset": version}
    raw_rows([changed]).insert(client)
    return changed


def test_what_was_known_is_set_down(client: Client) -> None:
    period = closed(client)
    assert ask(client, ClosedPeriods("acme")) == [period]
    found = changes_since(client, period)
    assert found.closed == found.now == sums_of(MINE)
    assert {line.place: line.closed for line in found.lines} == {
        place: sums_of([event for event in MINE if place_of(event) == place]) for place in set(map(place_of, MINE))
    }
    assert found.changed == ()
    whole = "SELECT sum(closed_cost_usd), sum(cost_usd), sum(changed_cost_usd) FROM closed_usage_now"
    assert client.query(whole).result_rows == [(found.closed.cost_usd, found.closed.cost_usd, 0)]


def test_later_events_and_corrections_are_told_apart(client: Client) -> None:
    period = closed(client)
    gone, priced, moved, both = MINE[:4]
    late = {**MINE[5], "event_id": UUID(int=99), "src_offset": 10**6, "cost_nano_usd": 7}
    raw_rows([late]).insert(client)
    after = [
        correct(client, priced, "reprice", 500, cost_nano_usd=priced["cost_nano_usd"] + 11),
        correct(client, moved, "replace", 501, model="gpt-5", cost_nano_usd=3),
    ]
    half = correct(client, both, "reprice", 502, cost_nano_usd=1)
    after.append(correct(client, half, "replace", 503, cost_nano_usd=5, credits_micro=9))
    correct(client, gone, "void", 504, void=1)
    late = correct(client, late, "reprice", 505, cost_nano_usd=8)
    now = [*(event for event in RECORDED if event not in (gone, priced, moved, both)), *after, late]
    rolled_up(client, now)

    found = changes_since(client, period)
    assert found.closed == sums_of(MINE)
    assert found.now == sums_of([event for event in now if inside(event)])
    assert found.causes == {
        Cause.LATE: sums_of([late]),
        Cause.VOID: -sums_of([gone]),
        Cause.REPLACE: sums_of(after[1:]) - sums_of([moved, half]),
        Cause.REPRICE: sums_of([after[0], half]) - sums_of([priced, both]),
    }
    by_place = {line.place: line.causes for line in found.lines}
    assert by_place[Place(moved["day"], moved["provider"], "gpt-5")] == {Cause.REPLACE: sums_of([after[1]])}
    view = "SELECT sum(changed_cost_usd) FROM closed_usage_now WHERE organization = 'acme'"
    assert client.query(view).result_rows == [(found.now.cost_usd - found.closed.cost_usd,)]


def test_corrections_before_the_closing_are_in_it(client: Client) -> None:
    again = correct(client, MINE[0], "reprice", 500, cost_nano_usd=123)
    now = [*RECORDED[:], again]
    now.remove(MINE[0])
    rolled_up(client, now)
    client.command("ALTER TABLE corrections UPDATE changed = changed - 3600 WHERE 1 SETTINGS mutations_sync = 1")
    found = changes_since(client, closed(client))
    assert found.closed == found.now == sums_of([event for event in now if inside(event)])
    assert found.changed == ()


def test_events_that_were_not_applied_yet_come_later(client: Client) -> None:
    """Raw rows are written before progress: what lies behind it belongs to no closing yet."""
    ahead = {**MINE[0], "event_id": UUID(int=98), "src_offset": 10**6}
    raw_rows([ahead]).insert(client)
    period = closed(client)
    rolled_up(client, [*RECORDED, ahead])
    assert changes_since(client, period).causes == {Cause.LATE: sums_of([ahead])}


def test_what_cannot_be_closed(client: Client) -> None:
    with pytest.raises(PeriodRefused, match="there is no organisation 'nobody'"):
        closed(client, organization="nobody")
    with pytest.raises(PeriodRefused, match=r"2026-04-05 is not over .*today is 2026-04-05"):
        closed(client, last=date(2026, 4, 5))
    with pytest.raises(PeriodRefused, match="swap them"):
        closed(client, first=LAST, last=FIRST)
    job = {"src_partition": 1026, "control_id": UUID(int=7), "src_offset": 1, "kind": "reprice", "organization": ""}
    for version, state in enumerate(("planned", "done")):
        row = {**job, "state": state, "version": version}
        client.insert("jobs", [list(row.values())], column_names=list(row))
        if state == "planned":
            with pytest.raises(PeriodRefused, match=f"being carried out .{UUID(int=7)}"):
                closed(client)
    closed(client)
    with pytest.raises(PeriodRefused, match="2026-03-28 to 2026-03-31 were closed by ada on"):
        closed(client, first=LAST, last=LAST + timedelta(days=1))
    assert closed(client, first=LAST + timedelta(days=1), last=LAST + timedelta(days=2)).organization == "acme"
    assert closed(client, organization="zen").organization == "zen"


def test_days_without_usage_can_be_closed_and_change_later(client: Client) -> None:
    period = closed(client, first=date(2026, 1, 1), last=date(2026, 1, 31))
    assert changes_since(client, period).lines == ()
