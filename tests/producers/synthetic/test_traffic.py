"""Demonstration traffic is plausible, valid, and the same however it is asked for."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from genai_prices.data import providers

from producers.synthetic.cast import FEATURES, MODELS, ORGANIZATIONS
from producers.synthetic.traffic import Event, events, intensity
from tokentally import UsageEvent

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
RATE_PER_SECOND = 0.02


@pytest.fixture(scope="module")
def week() -> list[Event]:
    return list(events(1, MONDAY, MONDAY + timedelta(days=7), RATE_PER_SECOND))


def test_every_event_is_valid(week: list[Event]) -> None:
    for event in week:
        UsageEvent.model_validate_json(json.dumps(event))


def test_events_come_in_time_order_and_inside_the_period(week: list[Event]) -> None:
    times = [str(event["time"]) for event in week]
    assert times == sorted(times)
    assert times[0] >= "2026-06-01T00:00:00.000Z"
    assert times[-1] < "2026-06-08T00:00:00.000Z"


def test_ids_are_unique(week: list[Event]) -> None:
    assert len({event["event_id"] for event in week}) == len(week)


def test_the_mean_rate_is_about_what_was_asked_for(week: list[Event]) -> None:
    assert 0.8 < len(week) / (RATE_PER_SECOND * 7 * 86_400) < 1.2


def test_any_part_of_a_period_holds_the_same_events(week: list[Event]) -> None:
    start, end = MONDAY + timedelta(days=1, minutes=7), MONDAY + timedelta(days=2, minutes=22, seconds=3)
    part = list(events(1, start, end, RATE_PER_SECOND))
    bounds = [moment.strftime("%Y-%m-%dT%H:%M:%S.000Z") for moment in (start, end)]
    assert part == [event for event in week if bounds[0] <= str(event["time"]) < bounds[1]]
    assert part


def test_another_seed_or_rate_gives_other_events(week: list[Event]) -> None:
    ids = {event["event_id"] for event in week}
    day = MONDAY + timedelta(days=1)
    for seed, rate in ((2, RATE_PER_SECOND), (1, 2 * RATE_PER_SECOND)):
        assert not ids & {event["event_id"] for event in events(seed, MONDAY, day, rate)}


def test_working_hours_and_weekends_are_those_of_the_place() -> None:
    lumen = next(organization for organization in ORGANIZATIONS if organization.name == "lumen-robotics")
    at = {hour: intensity(lumen, int((MONDAY + timedelta(hours=hour)).timestamp())) for hour in (1, 8, 6 * 24 + 8)}
    assert at[8] > 10 * at[1]
    assert at[8] > 5 * at[6 * 24 + 8]


def test_everything_that_a_dashboard_shows_appears(week: list[Event]) -> None:
    assert {event["organization"] for event in week} == {organization.name for organization in ORGANIZATIONS}
    assert {event["model"] for event in week} == set(MODELS)
    assert {event["feature"] for event in week} == {feature.name for feature in FEATURES}
    assert {event["status"] for event in week} == {"success", "error", "cancelled"}
    assert {event["billing_type"] for event in week} == {"SYSTEM", "BYOK"}
    assert {event["plan"] for event in week} == {"FREE", "PRO", "TEAM"}
    for field in ("cache_read_tokens", "cache_write_5m_tokens", "reasoning_tokens", "output_image_tokens", "rating"):
        assert any(event.get(field) for event in week), field


def test_a_few_users_cause_much_of_the_traffic(week: list[Event]) -> None:
    users = Counter(event["user_id"] for event in week if event["organization"] == "lumen-robotics")
    assert sum(count for _, count in users.most_common(12)) > 0.3 * users.total()


def test_conversations_have_several_messages_and_read_their_context_from_the_cache(week: list[Event]) -> None:
    threads: dict[object, list[Event]] = defaultdict(list)
    for event in week:
        threads[event["thread_id"]].append(event)
    assert sum(len(messages) > 2 for messages in threads.values()) > 100
    later = [message for messages in threads.values() for message in messages[1:] if message["status"] == "success"]
    assert sum(bool(message.get("cache_read_tokens")) for message in later) > len(later) / 2


def test_failed_calls_have_a_code_and_no_tokens(week: list[Event]) -> None:
    failed = [event for event in week if event["status"] == "error"]
    assert {"rate_limit", "timeout"} <= {event["error_code"] for event in failed}
    assert not any(name.endswith("_tokens") for event in failed for name in event)


def test_all_models_but_the_in_house_one_are_in_the_catalogue() -> None:
    catalogue = {provider.id: provider for provider in providers}
    known = {
        model.name
        for model in MODELS.values()
        if model.provider in catalogue and catalogue[model.provider].find_model(model.name)
    }
    assert set(MODELS) - known == {"aurora-9b-preview"}
