"""What may be asked for, which is less than what the log may say."""

from typing import Any, get_args

import pytest

from producers.control.bodies import VoidBody, body_of
from producers.control.request import CHOICES, content_of, wrong_in_set
from producers.errors import ControlRefused
from stream_jobs.pricing.cost_status import CostStatus
from tokentally.fields import BillingType, Status
from tokentally.identity import event_uuid

TIME = "2026-03-28T10:00:00.250Z"
EVENT = {"event_id": "0190f5fe-7c00-7a00-8000-000000000001", "time": TIME}
SOME = {"selection": {"model": "gpt-4o"}}


def refusal(kind: str, body: Any) -> str:
    with pytest.raises(ControlRefused) as refused:
        content_of(kind, "acme", body)
    return str(refused.value)


def test_an_erasure_says_of_whom() -> None:
    assert content_of("erase", "acme", {"user_id": "u-42"}) == {"user_id": "u-42"}
    assert content_of("erase", "acme", {"user_id": "u-42", "everything": False}) == {"user_id": "u-42"}
    assert content_of("erase", "acme", {"everything": True}) == {}, "as records have always said it"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": None},
        {"everything": False},
        {"user_id": None, "everything": False},
        {"user_id": "u", "everything": True},
    ],
)
def test_an_erasure_that_does_not_say_of_whom(body: dict[str, Any]) -> None:
    told = refusal("erase", body)
    assert told.startswith("erase: say what to erase: either `user_id`, or `everything`: true")


def test_everything_is_no_word_of_the_log() -> None:
    with pytest.raises(ControlRefused, match="everything: there is no such field"):
        body_of("erase", "acme", {"everything": True})


@pytest.mark.parametrize(
    ("kind", "body", "place"),
    [
        ("erase", {"user_id": None, "everything": True}, "user_id"),
        ("void", {"selection": {"user_id": None, "since": TIME}}, "selection.user_id"),
        ("void", {"events": [EVENT], "selection": None}, "selection"),
        ("amend", {"selection": {"until": None, "model": "m"}, "set": {"rating": 1}}, "selection.until"),
        ("replace", SOME | {"set": {"rating": None, "model": "m"}}, "set.rating"),
        ("replace", {"events": [EVENT | {"set": {"rating": 1, "plan": None}}]}, "events.0.set.plan"),
        ("reprice", {"prices": None}, "prices"),
    ],
)
def test_what_is_null_is_not_guessed_at(kind: str, body: dict[str, Any], place: str) -> None:
    body_of(kind, "acme", {name: value for name, value in body.items() if name != "everything"})
    assert refusal(kind, body) == f"{kind}: {place}: null says nothing: leave it out, or give the value that is meant"


def test_usage_without_a_user_may_be_selected() -> None:
    assert content_of("void", "acme", {"selection": {"user_id": ""}})["selection"] == {"user_id": ""}


@pytest.mark.parametrize("column", ["category", "error_code", "provider", "plan", "department", "user_id", "model"])
def test_a_text_may_be_as_long_as_in_an_event(column: str) -> None:
    assert content_of("replace", "acme", SOME | {"set": {column: "é" * 256}})["set"] == {column: "é" * 256}
    assert f"set.{column}: String should have at most 256" in refusal("replace", SOME | {"set": {column: "x" * 257}})


def test_what_is_set_may_be_what_an_event_may_say() -> None:
    quantities = {"web_searches": "1000", "audio_seconds": 0.25}
    said = {"quantities": quantities, "reported_cost_usd": "0.25", "duration_ms": 10**10, "rating": 5, "model": "m"}
    assert content_of("replace", "acme", SOME | {"set": said})["set"] == said | {
        "quantities": {"web_searches": 1000, "audio_seconds": 0.25}
    }
    assert content_of("replace", "acme", SOME | {"set": {"quantities": {}}})["set"] == {"quantities": {}}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"department": "a\nb\x00"}, "department: control characters are not allowed"),
        ({"duration_ms": 10**10 + 1}, "duration_ms: Input should be less than or equal to 10000000000"),
        ({"model": ""}, "model: an event without a model needs a feature or quantities: set one of them too"),
        ({"model": "", "quantities": {}}, "model: an event without a model needs a feature or quantities"),
    ],
)
def test_what_no_event_may_say_is_refused_with_its_place(values: dict[str, Any], words: str) -> None:
    assert words in refusal("replace", SOME | {"set": values})
    events = [EVENT | {"set": {"rating": 1}}, EVENT | {"time": "2026-03-29T10:00:00Z", "set": values}]
    assert refusal("replace", {"events": events}).startswith("replace: events.1.set.")
    body_of("replace", "acme", SOME | {"set": values})


def test_an_event_of_a_feature_needs_no_model() -> None:
    for other in ({"feature": "export"}, {"quantities": {"requests": 1}}):
        assert content_of("replace", "acme", SOME | {"set": {"model": "", **other}})


def test_what_is_cleared_is_in_the_record() -> None:
    said = {"clear": ["duration_ms", "reported_cost_usd"], "rating": 4}
    assert content_of("replace", "acme", SOME | {"set": said})["set"] == said
    assert "clear" not in content_of("amend", "acme", SOME | {"set": {"rating": 4}})["set"]


def test_columns_that_cannot_be_set_are_told_with_those_that_can() -> None:
    assert wrong_in_set("amend", {"rating": "5"}) == ""
    told = wrong_in_set("amend", {"ratign": "5"})
    assert told == "ratign: amend sets no such column; it sets status, error_code, category, rating"


def test_a_body_without_end_is_refused() -> None:
    body: dict[str, Any] = {}
    for _ in range(100_000):
        body = {"x": body}
    assert "x: there is no such field here" in refusal("void", body)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("status", get_args(Status)),
        ("billing_type", get_args(BillingType)),
        ("cost_status", get_args(CostStatus)),
    ],
)
def test_a_selection_names_values_that_there_are(field: str, values: tuple[str, ...]) -> None:
    assert set(CHOICES[field]) == set(values)
    for value in values:
        assert content_of("void", "acme", {"selection": {field: value}})["selection"] == {field: value}
    for kind, rest in (("void", {}), ("replace", {"set": {"model": "m"}}), ("reprice", {"prices": 1})):
        told = refusal(kind, {"selection": {field: "ok"}} | rest)
        assert told == f"{kind}: selection.{field}: 'ok' is none of {', '.join(CHOICES[field])}: choose one of them"


def test_records_with_other_values_stay_readable() -> None:
    assert isinstance(body_of("void", "acme", {"selection": {"status": "ok"}}), VoidBody)


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("reprice", {"multipliers": True}, "multipliers: true is no value here"),
        ("reprice", {"prices": True}, "prices: true is no value here"),
        ("amend", SOME | {"set": {"rating": True}}, "set.rating: true is no value here"),
        ("void", {"selection": {"since": 1, "model": "m"}}, "selection.since: 1 is no time: write it like 2026"),
        ("void", {"events": [{**EVENT, "time": 1774000000}]}, "events.0.time: 1774000000 is no time"),
        ("repair", {"first": 0, "last": "2026-01-01"}, "first: 0 is no time"),
    ],
)
def test_what_has_another_type_is_not_guessed_at(kind: str, body: dict[str, Any], told: str) -> None:
    body_of(kind, "acme", body)
    assert refusal(kind, body).startswith(f"{kind}: {told}")


BARE = "0190f5fe7c007a008000000000000001"


@pytest.mark.parametrize("event_id", ["call-1", BARE, f"{{{EVENT['event_id']}}}"])
def test_events_are_named_as_their_senders_named_them(event_id: str) -> None:
    said = content_of("void", "acme", {"events": [{**EVENT, "event_id": event_id}]})
    assert said["events"][0]["event_id"] == str(event_uuid("acme", event_id))
    assert content_of("void", "acme", {"events": [EVENT]})["events"][0]["event_id"] == EVENT["event_id"]


@pytest.mark.parametrize("event_id", ["", 7, "a\x00", "x" * 5000, "\ud800"])
def test_what_no_event_is_named_is_refused(event_id: object) -> None:
    assert refusal("void", {"events": [{**EVENT, "event_id": event_id}]}).startswith("void: events.0.event_id: ")
    assert refusal("void", {"events": ["x"]}).startswith("void: events.0: ")
