"""A dry run says exactly what would change, on the real engine, against figures worked out by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from producers.control.record import ControlRecord
from producers.errors import ControlRefused
from stream_jobs.control import difference as dry_run
from stream_jobs.control.difference import Difference, Line, Move, difference, slice_sql
from stream_jobs.pricing.errors import RevisionMissing
from stream_jobs.pricing.seed import seed
from warehouse.control.met import Totals

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
GPT_INPUT_NANO, GPT_OUTPUT_NANO = 2500, 10_000
"""Nano-USD per token of openai/gpt-4o: 2.5 and 10 USD per million."""
DAY = date(2026, 3, 28)


def event(number: int, **given: Any) -> dict[str, Any]:
    """A call of gpt-4o with 1,000 tokens in and 100 out, an hour after the one before, priced by hand."""
    time = NOON + timedelta(hours=number)
    known: dict[str, Any] = {
        "event_id": UUID(int=number),
        "time": time,
        "organization": "acme",
        "user_id": "ada",
        "provider": "openai",
        "model": "gpt-4o",
        "billing_type": "SYSTEM",
        "plan": "PRO",
        "status": "success",
        "input_tokens": 1000,
        "output_tokens": 100,
        "category": "",
        "rating": None,
        "day": time.date(),
        "cost_status": "priced",
        "credits_micro": 1_000_000,
        "quantities_json": "",
        "void": 0,
        "control_offset": 0,
    }
    made = known | given
    cost = made["input_tokens"] * GPT_INPUT_NANO + made["output_tokens"] * GPT_OUTPUT_NANO
    return {"cost_nano_usd": cost, "billed_nano_usd": cost if made["billing_type"] == "SYSTEM" else 0} | made


def insert(client: Client, events: Sequence[dict[str, Any]]) -> None:
    client.insert("usage_raw", [list(each.values()) for each in events], column_names=list(events[0]))


def asked(kind: str, body: dict[str, Any], organization: str = "acme") -> ControlRecord:
    return ControlRecord(str(uuid4()), kind, organization, body, "ada", "", NOON)


def totals(*events: dict[str, Any]) -> Totals:
    return sum(
        (
            Totals(
                1,
                each["input_tokens"],
                each["output_tokens"],
                each["cost_nano_usd"],
                each["billed_nano_usd"],
                each["credits_micro"],
            )
            for each in events
        ),
        Totals(),
    )


def key(each: dict[str, Any]) -> dict[str, str]:
    return {"event_id": str(each["event_id"]), "time": each["time"].isoformat()}


pytestmark = pytest.mark.integration
FIRST, SECOND, LATER, MINI, STRANGER = (
    event(1),
    event(2, input_tokens=5),
    event(20),
    event(3, model="gpt-4o-mini", cost_nano_usd=7, billed_nano_usd=7),
    event(4, organization="zen"),
)


@pytest.fixture
def filled(client: Client) -> Client:
    seed(client, NOON)
    insert(client, [FIRST, SECOND, LATER, MINI, STRANGER])
    return client


def test_void_by_selection(filled: Client) -> None:
    found = difference(filled, asked("void", {"selection": {"model": "gpt-4o"}}))
    assert found == Difference(
        (
            Line(DAY, "gpt-4o", totals(FIRST, SECOND), Totals()),
            Line(DAY + timedelta(days=1), "gpt-4o", totals(LATER), Totals()),
        )
    )
    assert (found.met, found.before, found.after) == (3, totals(FIRST, SECOND, LATER), Totals())


def test_void_by_identity_says_what_it_waits_for(filled: Client) -> None:
    unknown = {"event_id": str(UUID(int=99)), "time": NOON.isoformat()}
    found = difference(filled, asked("void", {"events": [key(FIRST), key(STRANGER), unknown]}))
    assert (found.named, found.met, found.before) == (3, 1, totals(FIRST))


def test_what_is_void_already_is_not_met(filled: Client) -> None:
    insert(filled, [FIRST | {"void": 1, "control_offset": 9}])
    assert difference(filled, asked("void", {"selection": {"model": "gpt-4o"}})).before == totals(SECOND, LATER)


def test_erase_meets_a_user_or_everything(filled: Client) -> None:
    insert(filled, [event(7, user_id="bob")])
    assert difference(filled, asked("erase", {"user_id": "bob"})).before == totals(event(7))
    assert difference(filled, asked("erase", {})).met == 5
    assert difference(filled, asked("erase", {})).after == Totals()


@pytest.mark.parametrize(
    ("kind", "body", "met"),
    [
        ("repair", {"first": "2026-03-28", "last": "2026-03-28"}, 4),
        ("repair", {"first": "2026-03-29", "last": "2026-03-30"}, 1),
        ("replay", {"first": "2026-03-29"}, 1),
        ("config", {"subject": "prices", "revision": 1, "content_hash": "0" * 64}, 0),
    ],
)
def test_what_is_only_computed_again_changes_nothing(filled: Client, kind: str, body: dict[str, Any], met: int) -> None:
    found = difference(filled, asked(kind, body, ""))
    assert (found.met, found.before) == (met, found.after)


def test_amend_moves_events_and_costs_nothing(filled: Client) -> None:
    found = difference(filled, asked("amend", {"selection": {"user_id": "ada"}, "set": {"category": "code"}}))
    assert found.moves == (Move("category", "", "code", 4),)
    assert found.before == found.after == totals(FIRST, SECOND, LATER, MINI)


def test_amend_by_identity_sets_each_its_own(filled: Client) -> None:
    insert(filled, [SECOND | {"rating": 2, "control_offset": 5}])
    events = [key(FIRST) | {"set": {"rating": 5}}, key(SECOND) | {"set": {"category": "code"}}]
    found = difference(filled, asked("amend", {"events": events}))
    assert found.moves == (Move("category", "", "code", 1), Move("rating", "", "5", 1))


def test_replace_works_prices_out_again(filled: Client) -> None:
    events = [key(FIRST) | {"set": {"input_tokens": 3000, "billing_type": "BYOK"}}]
    found = difference(filled, asked("replace", {"events": events}))
    (line,) = found.lines
    cost = 3000 * GPT_INPUT_NANO + 100 * GPT_OUTPUT_NANO
    assert (line.before, line.after) == (totals(FIRST), Totals(1, 3000, 100, cost, 0, line.after.credits_micro))
    assert found.moves == (Move("billing_type", "SYSTEM", "BYOK", 1),)


def test_a_replaced_model_moves_between_lines(filled: Client) -> None:
    found = difference(filled, asked("replace", {"selection": {"model": "gpt-4o-mini"}, "set": {"model": "gpt-4o"}}))
    gpt, mini = found.lines
    assert (gpt.model, gpt.before, mini.after) == ("gpt-4o", Totals(), Totals())
    assert (gpt.after.cost_nano_usd, mini.before.cost_nano_usd) == (3_500_000, 7)


def test_a_correction_beyond_all_bounds_is_refused(filled: Client) -> None:
    events = [key(FIRST) | {"set": {"input_tokens": 10**12}}]
    with pytest.raises(ControlRefused, match="1 events would cost more than 1,000,000 USD each"):
        difference(filled, asked("replace", {"events": events}))


def test_reprice_to_the_revision_in_force_changes_what_was_wrong_only(filled: Client) -> None:
    found = difference(filled, asked("reprice", {"prices": 1, "selection": {"model": "gpt-4o"}}, ""))
    assert found.before == found.after == totals(FIRST, SECOND, LATER, STRANGER)
    mended = difference(filled, asked("reprice", {"prices": 1, "selection": {"model": "gpt-4o-mini"}}))
    assert mended.after.cost_nano_usd == 1000 * 150 + 100 * 600
    assert mended.after.credits_micro == mended.before.credits_micro


def dearer(filled: Client) -> None:
    """Stores revision 2 of the prices: twice the first."""
    columns = "organization, provider, model, display_name, match, effective_from, daily_from, daily_to, unit"
    rest = "tier_start, per, position, source, author, note, created"
    filled.command(
        f"INSERT INTO prices (revision, {columns}, price_usd, {rest}) "
        f"SELECT 2, {columns}, price_usd * 2, {rest} FROM prices WHERE revision = 1"
    )


def test_reprice_under_other_prices(filled: Client) -> None:
    dearer(filled)
    found = difference(filled, asked("reprice", {"prices": 2, "selection": {"model": "gpt-4o"}}))
    assert found.after.cost_nano_usd == 2 * found.before.cost_nano_usd
    with pytest.raises(RevisionMissing):
        difference(filled, asked("reprice", {"prices": 3}))


def test_quantities_are_priced_as_when_they_came(filled: Client) -> None:
    searches = event(30, quantities_json='{"web_searches": 2.5, "unheard_of": 1}', model="claude-opus-4-1")
    insert(filled, [searches | {"provider": "anthropic"}])
    found = difference(filled, asked("reprice", {"prices": 1, "selection": {"model": "claude-opus-4-1"}}))
    plain = event(31, model="claude-opus-4-1", provider="anthropic")
    insert(filled, [plain])
    both = difference(filled, asked("reprice", {"prices": 1, "selection": {"model": "claude-opus-4-1"}}))
    dear = found.after.cost_nano_usd
    assert dear > both.after.cost_nano_usd - dear
    assert Move("cost_status", "priced", "partial", 1) in both.moves


def test_slices_add_up(filled: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"selection": {"user_id": "ada"}, "set": {"category": "code", "input_tokens": 10}}
    whole = difference(filled, asked("replace", body))
    read: list[int] = []
    original = dry_run._frame
    monkeypatch.setattr(dry_run, "SLICE_EVENTS", 1)

    def counted(client: Client, sql: str) -> pl.DataFrame:
        frame = original(client, sql)
        read.append(len(frame))
        return frame

    monkeypatch.setattr(dry_run, "_frame", counted)
    assert difference(filled, asked("replace", body)) == whole
    assert sum(read) == whole.met
    assert len(read) == 4


def test_many_values_are_counted_together(filled: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "MOVES_MAX", 1)
    insert(filled, [FIRST | {"user_id": "bob", "control_offset": 1}])
    found = difference(filled, asked("replace", {"selection": {"model": "gpt-4o"}, "set": {"user_id": "eve"}}))
    assert found.moves == (Move("user_id", "ada", "eve", 2), Move("user_id", "…", "…", 1))


def test_the_text_of_a_slice() -> None:
    text = slice_sql("organization = 'acme'", ["category"], DAY, 1, 3)
    assert text.startswith("SELECT toString(event_id) AS event_id_text, organization, time, ")
    assert text.endswith(
        "category, if(empty(quantities), '', toJSONString(quantities)) AS quantities_text FROM usage_raw FINAL "
        "WHERE (organization = 'acme') AND day = '2026-03-28' AND time >= '2026-03-27 00:00:00' "
        "AND time < '2026-03-30 00:00:00' AND cityHash64(event_id) % 3 = 1"
    )


def test_everything_of_another_organization_stays_out(filled: Client) -> None:
    found = difference(filled, replace(asked("void", {"selection": {"user_id": "ada"}}), organization="zen"))
    assert found.before == totals(STRANGER)


def test_a_stored_revision_is_in_force_once_a_partition_has_read_of_it(filled: Client) -> None:
    dearer(filled)
    filled.insert("config_revisions", [["prices", 2]], column_names=["kind", "revision"])
    replaced = asked("replace", {"selection": {"model": "gpt-4o"}, "set": {"user_id": "bob"}})
    assert dry_run.in_force(filled, "prices") == 1
    found = difference(filled, replaced)
    assert found.after.cost_nano_usd == found.before.cost_nano_usd
    columns = ["src_partition", "offset", "kind", "organization", "revision"]
    filled.insert("revision_switches", [[3, 17, "prices", "", 2]], column_names=columns)
    assert dry_run.in_force(filled, "prices") == 2
    assert difference(filled, replaced).after.cost_nano_usd == 2 * found.before.cost_nano_usd
