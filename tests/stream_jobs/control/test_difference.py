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
from producers.timeliness.rules import TimeRules
from stream_jobs.control import difference as dry_run
from stream_jobs.control.difference import Difference, Line, Move, difference, slice_condition, slice_sql
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.errors import NoErasureKey
from stream_jobs.pricing.errors import RevisionMissing
from stream_jobs.pricing.seed import seed
from warehouse.control.met import Totals
from warehouse.queries.priced_calls import RevisionAt
from warehouse.queries.query import ask

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


def erased(client: Client, each: dict[str, Any], tombstones: Tombstones) -> None:
    """Leaves nothing of an event but its tombstone."""
    for table in ("usage_raw", "event_id_lookup"):
        condition = f"event_id = '{each['event_id']}' SETTINGS mutations_sync = 2"
        client.command(f"ALTER TABLE {table} DELETE WHERE {condition}")
    hashed = UUID(bytes=tombstones.hashed(each["organization"], each["event_id"].bytes))
    row = [each["organization"], each["time"], hashed, tombstones.key_check()]
    client.insert("tombstones", [row], column_names=["organization", "time", "id_hash", "key_check"])


def test_events_that_are_void_or_erased_are_not_waited_for(filled: Client) -> None:
    tombstones = Tombstones(lambda: b"a key of sixteen")
    insert(filled, [FIRST | {"void": 1, "control_offset": 9}])
    erased(filled, SECOND, tombstones)
    unknown = {"event_id": str(UUID(int=99)), "time": NOON.isoformat()}
    named = [key(FIRST), key(SECOND), key(LATER), unknown]
    replaced = [each | {"set": {"input_tokens": 5}} for each in named]
    for record in (asked("void", {"events": named}), asked("replace", {"events": replaced})):
        found = difference(filled, record, tombstones=tombstones)
        assert (found.named, found.met, found.gone, found.awaited) == (4, 1, 2, 1)


def test_a_tombstone_beside_its_event_counts_once(filled: Client) -> None:
    """An erasure was cancelled after its tombstones stood."""
    tombstones = Tombstones(lambda: b"a key of sixteen")
    erased(filled, FIRST, tombstones)
    insert(filled, [FIRST])
    found = difference(filled, asked("void", {"events": [key(FIRST), key(LATER)]}), tombstones=tombstones)
    assert (found.met, found.gone, found.awaited) == (2, 0, 0)


def test_with_another_key_nobody_knows_what_was_erased(filled: Client) -> None:
    erased(filled, FIRST, Tombstones(lambda: b"a key of sixteen"))
    with pytest.raises(NoErasureKey):
        difference(filled, asked("void", {"events": [key(FIRST)]}), tombstones=Tombstones(lambda: b"another key of 16"))
    assert difference(filled, asked("void", {"events": [key(STRANGER)]}, "zen")).met == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("void", {"selection": {"user_id": "ada"}}),
        ("void", {"events": [key(FIRST), key(LATER)]}),
        ("amend", {"selection": {"user_id": "ada"}, "set": {"category": "code"}}),
        ("replace", {"events": [key(each) | {"set": {"input_tokens": 5}} for each in (FIRST, LATER)]}),
        ("reprice", {"prices": 1, "selection": {"model": "gpt-4o"}}),
        ("repair", {"first": "2026-03-01", "last": "2026-03-30"}),
        ("replay", {"first": "2026-03-01"}),
    ],
)
def test_e13_days_that_may_lack_events_are_left_and_that_is_told(
    filled: Client, kind: str, body: dict[str, Any]
) -> None:
    """The next day is the first that is whole: of the day before, nothing is met."""
    record = replace(asked(kind, body), created=NOON + timedelta(days=22))
    found = difference(filled, record, TimeRules(retention_days=30))
    about = difference(filled, record)
    assert found.first_whole_day == DAY + timedelta(days=1)
    assert (found.met, found.before, found.left) == (1, totals(LATER), about.met - 1)
    assert found.named == about.named
    assert (found.awaited, about.left, about.first_whole_day) == (0, 0, None)


def test_e24_an_erasure_removes_events_of_any_age(filled: Client) -> None:
    record = replace(asked("erase", {"user_id": "ada"}), created=NOON + timedelta(days=22))
    found = difference(filled, record, TimeRules(retention_days=30))
    assert (found.met, found.left, found.first_whole_day) == (4, 0, None)


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


def test_a_rating_is_taken_away(filled: Client) -> None:
    insert(filled, [each | {"rating": 2, "control_offset": 5} for each in (FIRST, SECOND)])
    events = [key(FIRST) | {"set": {"clear": ["rating"]}}, key(SECOND) | {"set": {"category": "code"}}]
    found = difference(filled, asked("amend", {"events": events}))
    assert found.moves == (Move("category", "", "code", 1), Move("rating", "2", "", 1))
    found = difference(filled, asked("amend", {"selection": {"user_id": "ada"}, "set": {"clear": ["rating"]}}))
    assert found.moves == (Move("rating", "2", "", 2),)


def test_amounts_that_are_set_or_taken_away_are_told_without_their_values(filled: Client) -> None:
    given = {"duration_ms": 7, "reported_cost_nano_usd": 5, "control_offset": 5}
    insert(filled, [FIRST | given, SECOND | given | {"duration_ms": 3, "reported_cost_nano_usd": None}])
    selected = {"selection": {"user_id": "ada"}}
    found = difference(filled, asked("replace", selected | {"set": {"clear": ["duration_ms", "reported_cost_usd"]}}))
    assert Move("duration_ms", "a value", "", 2) in found.moves
    assert Move("reported_cost_usd", "a value", "", 1) in found.moves
    found = difference(filled, asked("replace", selected | {"set": {"duration_ms": 7, "time_to_first_token_ms": 1}}))
    assert Move("duration_ms", "a value", "a value", 1) in found.moves, "the other one had 7"
    assert Move("time_to_first_token_ms", "", "a value", 4) in found.moves


def test_replace_works_prices_out_again(filled: Client) -> None:
    events = [key(FIRST) | {"set": {"input_tokens": 3000, "billing_type": "BYOK"}}]
    found = difference(filled, asked("replace", {"events": events}))
    (line,) = found.lines
    cost = 3000 * GPT_INPUT_NANO + 100 * GPT_OUTPUT_NANO
    assert (line.before, line.after) == (totals(FIRST), Totals(1, 3000, 100, cost, 0, line.after.credits_micro))
    assert found.moves == (Move("billing_type", "SYSTEM", "BYOK", 1),)


def test_a_replaced_service_tier_is_priced_at_its_own_rates(filled: Client) -> None:
    """Claude Opus 4.8: 5 and 25 USD per million tokens, served fast 10 and 50."""
    opus = {"provider": "anthropic", "model": "claude-opus-4-8"}
    standard, fast = (
        difference(filled, asked("replace", {"events": [key(FIRST) | {"set": said}]}))
        for said in (opus, opus | {"service_tier": "fast"})
    )
    assert standard.after.cost_nano_usd == 1000 * 5000 + 100 * 25_000
    assert fast.after.cost_nano_usd == 1000 * 10_000 + 100 * 50_000
    assert Move("service_tier", "", "fast", 1) in fast.moves


def test_a_replaced_model_moves_between_lines(filled: Client) -> None:
    found = difference(filled, asked("replace", {"selection": {"model": "gpt-4o-mini"}, "set": {"model": "gpt-4o"}}))
    gpt, mini = found.lines
    assert (gpt.model, gpt.before, mini.after) == ("gpt-4o", Totals(), Totals())
    assert (gpt.after.cost_nano_usd, mini.before.cost_nano_usd) == (3_500_000, 7)


def test_a_correction_beyond_all_bounds_is_refused(filled: Client) -> None:
    events = [key(FIRST) | {"set": {"input_tokens": 10**12}}]
    with pytest.raises(ControlRefused, match=r"1 events .*would cost more than 1,000,000 USD"):
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
    rest = "service_tier, marginal, tier_start, per, position, source, author, note, created"
    filled.command(
        f"INSERT INTO prices (revision, {columns}, price_usd, {rest}) "
        f"SELECT 2, {columns}, price_usd * 2, {rest} FROM prices WHERE revision = 1"
    )
    filled.command("INSERT INTO config_revisions (kind, revision) VALUES ('prices', 2)")


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


def test_replaced_quantities_are_priced_and_told_by_unit(filled: Client) -> None:
    opus = {"provider": "anthropic", "model": "claude-opus-4-1"}
    plain, searches = event(30, **opus), event(31, **opus, quantities_json='{"web_searches": 1}')
    insert(filled, [plain, searches])
    values = {"quantities": {"web_searches": 1000}}
    of_all = difference(filled, asked("replace", {"selection": {"model": opus["model"]}, "set": values}))
    of_each = [{**key(each), "set": values} for each in (plain, searches)]
    assert difference(filled, asked("replace", {"events": of_each})) == replace(of_all, named=2)
    none = {"selection": {"model": opus["model"]}, "set": {"quantities": {}}}
    without = difference(filled, asked("replace", none))
    assert of_all.after.cost_nano_usd - without.after.cost_nano_usd == 2 * 1000 * 10_000_000
    name = "quantities.web_searches"
    assert of_all.moves == (Move(name, "0", "1000", 1), Move(name, "1", "1000", 1))
    assert without.moves == (Move(name, "1", "0", 1),)
    same = {"selection": {"user_id": "none"}, "set": values}
    assert difference(filled, asked("replace", same)).moves == ()


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
    text = slice_sql(slice_condition("organization = 'acme'", DAY, 1, 3), ["category"])
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


def test_a_revision_whose_record_was_set_apart_is_not_in_force(client: Client) -> None:
    seed(client, NOON)
    switched = [[0, offset, "prices", offset] for offset in (5, 7)]
    client.insert("revision_switches", switched, column_names=["src_partition", "offset", "kind", "revision"])
    client.insert("quarantine", [[0, 7, -1]], column_names=["src_partition", "src_offset", "src_index"])
    assert dry_run.in_force(client, "prices") == ask(client, RevisionAt("prices", 0, 9)) == 5
