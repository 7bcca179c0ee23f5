"""What each kind of record may say, and what it may not."""

from typing import Any

import pytest

from producers.control.bodies import BODIES, MAX_EVENTS, AmendBody, ReplaceBody, VoidBody, body_of
from producers.errors import ControlRefused

ID = "0190f5fe-7c00-7a00-8000-{:012x}"
HASH = "ab" * 32
TIME = "2026-03-28T10:00:00.250Z"
EVENT = {"event_id": ID.format(1), "time": TIME}
SOME = {"selection": {"model": "gpt-4o"}}
Body = dict[str, Any]

ACCEPTED: list[tuple[str, str, Body]] = [
    ("config", "", {"subject": "prices", "revision": 2, "content_hash": HASH}),
    ("config", "", {"subject": "multipliers", "revision": 2, "content_hash": HASH}),
    ("config", "acme", {"subject": "prices", "revision": 2, "content_hash": HASH}),
    ("config", "acme", {"subject": "calendar", "revision": 1, "content_hash": HASH}),
    ("repair", "", {"first": "2026-03-01", "last": "2026-03-01"}),
    ("repair", "acme", {"first": "2026-03-01", "last": "2026-04-01"}),
    ("replay", "", {"first": "2026-03-01"}),
    ("amend", "acme", {"events": [EVENT | {"set": {"rating": 5}}]}),
    ("amend", "acme", SOME | {"set": {"category": "code", "status": "error", "error_code": "e1"}}),
    ("amend", "acme", SOME | {"set": {"category": ""}}),
    ("amend", "acme", SOME | {"set": {"clear": ["rating"]}}),
    ("void", "acme", {"events": [EVENT]}),
    ("void", "acme", {"selection": {"since": TIME}}),
    ("void", "acme", {"selection": {"user_id": ""}}),
    ("replace", "acme", {"events": [EVENT | {"set": {"model": "gpt-4o", "input_tokens": 0}}]}),
    ("replace", "acme", SOME | {"set": {"reported_cost_usd": "0.000000001", "billing_type": "BYOK"}}),
    ("replace", "acme", SOME | {"set": {"department": "an old record\n" * 40, "duration_ms": 10**12}}),
    ("replace", "acme", SOME | {"set": {"quantities": {"web_searches": 1000}}}),
    ("replace", "acme", SOME | {"set": {"quantities": {}}}),
    ("replace", "acme", SOME | {"set": {"clear": ["rating", "duration_ms", "reported_cost_usd"], "input_tokens": 0}}),
    ("reprice", "", {}),
    ("reprice", "", {"prices": 2}),
    ("reprice", "acme", {"prices": 2, "multipliers": 3, **SOME}),
    ("reprice", "", {"multipliers": "in_force"}),
    ("erase", "acme", {}),
    ("erase", "acme", {"user_id": "u-42"}),
]

REFUSED: list[tuple[str, str, Body, str]] = [
    ("config", "", {"subject": "calendar", "revision": 2, "content_hash": HASH}, "name the organization"),
    ("config", "", {"subject": "prices", "revision": 0, "content_hash": HASH}, "revision: Input should be greater"),
    ("config", "", {"subject": "prices", "revision": 2, "content_hash": HASH[1:]}, "content_hash: String should match"),
    ("config", "", {"subject": "weather", "revision": 2, "content_hash": HASH}, "subject: Input should be 'prices'"),
    ("repair", "", {"first": "2026-03-02", "last": "2026-03-01"}, "lies before the first"),
    ("repair", "", {"first": "2026-03-02"}, "last: missing; give it"),
    ("replay", "", {}, "first: missing; give it"),
    ("amend", "acme", {"events": [EVENT | {"set": {}}]}, "`set` is empty"),
    ("amend", "acme", SOME | {"set": {"clear": []}}, "set.clear: Tuple should have at least 1 item"),
    ("amend", "acme", SOME | {"set": {"clear": ["duration_ms"]}}, "clear: an amendment does not change duration_ms"),
    ("replace", "acme", SOME | {"set": {"clear": ["plan"]}}, "set.clear.0: Input should be 'rating'"),
    ("amend", "acme", SOME | {"set": {"clear": ["rating"], "rating": 1}}, "rating is set and cleared: say one of them"),
    ("amend", "acme", {"events": [EVENT | {"set": {"rating": 6}}]}, "events.0.set.rating: Input should be less"),
    ("amend", "acme", {"events": [EVENT | {"set": {"model": "x"}}]}, "events.0.set.model: there is no such field here"),
    ("amend", "acme", {"events": [EVENT | {"set": {"rating": 1}}], "set": {"rating": 1}}, "single events have their"),
    ("amend", "acme", SOME, "`set` belongs to a `selection`"),
    ("void", "", {"events": [EVENT]}, "name the organization it is about"),
    ("void", "acme", {}, "give either `events` or a `selection`"),
    ("void", "acme", SOME | {"events": [EVENT]}, "give either `events` or a `selection`"),
    ("void", "acme", {"selection": {}}, "a selection of everything is refused"),
    ("void", "acme", {"events": [EVENT, EVENT]}, "an event is named twice"),
    ("void", "acme", {"events": [{"event_id": ID.format(1)}]}, "events.0.time: missing; give it"),
    (
        "void",
        "acme",
        {"events": [EVENT | {"time": "2026-03-28T10:00:00"}]},
        "events.0.time: Input should have timezone",
    ),
    ("void", "acme", {"events": [EVENT | {"event_id": "x"}]}, "events.0.event_id: Input should be a valid UUID"),
    ("void", "acme", {"selection": {"since": TIME, "until": TIME}}, "must lie after"),
    (
        "void",
        "acme",
        {"selection": {"modle": "gpt"}},
        "selection.modle: there is no such field here; leave it out or correct its name",
    ),
    ("replace", "acme", SOME | {"set": {"input_tokens": -1}}, "set.input_tokens: Input should be greater"),
    ("replace", "acme", SOME | {"set": {"input_tokens": 10**12 + 1}}, "set.input_tokens: Input should be less"),
    ("replace", "acme", SOME | {"set": {"reported_cost_usd": "-1"}}, "must be a non-negative decimal number"),
    ("replace", "acme", SOME | {"set": {"quantities": {"Web Searches": 1}}}, "a unit is named in"),
    ("reprice", "", {"prices": 0}, "prices: Input should be greater"),
    ("reprice", "", {"multipliers": "newest"}, "multipliers.literal['in_force']: Input should be 'in_force'"),
    ("erase", "", {"user_id": "u"}, "name the organization"),
    ("erase", "acme", {"user_id": ""}, "user_id: String should have at least 1"),
]


@pytest.mark.parametrize(("kind", "organization", "body"), ACCEPTED)
def test_accepted(kind: str, organization: str, body: Body) -> None:
    assert isinstance(body_of(kind, organization, body), BODIES[kind])


@pytest.mark.parametrize(("kind", "organization", "body", "words"), REFUSED)
def test_refused(kind: str, organization: str, body: Body, words: str) -> None:
    with pytest.raises(ControlRefused) as refused:
        body_of(kind, organization, body)
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"{kind}: ")


def test_every_kind_is_tried() -> None:
    assert {kind for kind, *_ in ACCEPTED} == {kind for kind, *_ in REFUSED} == set(BODIES)


@pytest.mark.parametrize("kind", BODIES)
def test_what_a_reader_does_not_know_is_refused(kind: str) -> None:
    known = next((organization, body) for each, organization, body in ACCEPTED if each == kind)
    with pytest.raises(ControlRefused, match="surprise: there is no such field here"):
        body_of(kind, known[0], known[1] | {"surprise": 1})


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_a_body_that_is_no_object(body: Any) -> None:
    with pytest.raises(ControlRefused, match="void: "):
        body_of("void", "acme", body)


def test_so_many_events_and_no_more() -> None:
    events = [{"event_id": ID.format(number), "time": TIME} for number in range(MAX_EVENTS + 1)]
    assert isinstance(body_of("void", "acme", {"events": events[1:]}), VoidBody)
    with pytest.raises(ControlRefused, match="at most 1000 items"):
        body_of("void", "acme", {"events": events})


def test_times_are_cut_like_those_of_events() -> None:
    body = body_of("void", "acme", {"events": [EVENT | {"time": "2026-03-28T11:00:00.250999+01:00"}]})
    assert isinstance(body, VoidBody)
    assert body.events[0].time.isoformat() == "2026-03-28T10:00:00.250000+00:00"


def test_nothing_is_left_unsaid_and_nothing_added() -> None:
    amend = body_of("amend", "acme", SOME | {"set": {"rating": 3}})
    replace = body_of("replace", "acme", SOME | {"set": {"rating": 3}})
    assert isinstance(amend, AmendBody)
    assert isinstance(replace, ReplaceBody)
    for body in (amend, replace):
        assert body.set is not None
        assert body.set.model_dump(exclude_none=True) == {"rating": 3}


def test_the_first_of_many_problems_are_told() -> None:
    with pytest.raises(ControlRefused) as refused:
        body_of("repair", "", dict.fromkeys(("a", "b", "c", "d"), 1))
    assert str(refused.value) == (
        "repair: first: missing; give it; last: missing; give it; "
        "a: there is no such field here; leave it out or correct its name (and 3 more)"
    )
