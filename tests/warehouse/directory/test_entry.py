"""Statements within bounds: what can be said about which kind, and the words of every refusal."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from warehouse.directory.entry import Key, Kind, Said, State, Wish, wished
from warehouse.errors import InvalidEntry


def problem(**given: object) -> str:
    values: dict[str, object] = {"organization": "acme", "kind": "user", "entity_id": "u1", "texts": {}} | given
    with pytest.raises(InvalidEntry) as caught:
        wished(**values)  # type: ignore[arg-type]
    return str(caught.value)


def test_what_is_given_is_said_and_nothing_else() -> None:
    moment = datetime(2026, 3, 1, 9, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=1)))
    texts = {"display_name": " Ada\r\n  Lovelace ", "department": "", "state": "archived", "role": None}
    made = wished("acme", "user", "u 1", texts, {"cost": "47\n11"}, moment)
    assert made == Wish(
        Key("acme", Kind.USER, "u 1"),
        datetime(2026, 3, 1, 8, 0, 0, 123_000, tzinfo=UTC),
        Said("Ada Lovelace", department="", state=State.ARCHIVED, attributes={"cost": "47\n11"}),
    )
    assert made.effective_from is not None
    assert made.effective_from.tzinfo is UTC


def test_a_name_may_be_in_any_script() -> None:
    for name in ("Ünïcode 名前", "👩‍💻", "=1+1", "x" * 256):
        assert wished("acme", "prompt", "p", {"display_name": name}).said.display_name == name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"texts": {"display_name": " "}}, "display_name: '' is empty; give one"),
        ({"texts": {"display_name": "x" * 257}}, "has 257 characters; use at most 256"),
        ({"texts": {"display_name": "a\x00"}}, "display_name: 'a\\x00' has control characters; remove them"),
        ({"texts": {"display_name": "\ud800"}}, "has control characters"),
        ({"texts": {"email": "ada"}}, "email: 'ada' is no e-mail address; write it like ada@example.org"),
        ({"texts": {"role": "boss"}}, "role: 'boss' is none of owner, finance, department_manager, member; choose one"),
        ({"texts": {"state": "gone"}}, "state: 'gone' is none of active, archived; choose one"),
        ({"texts": {"plan": "PRO"}}, "plan: 'PRO' belongs to customer, organization only, not to a user; leave it out"),
        ({"kind": "prompt", "texts": {"email": "a@b"}}, "email: 'a@b' belongs to user only, not to a prompt"),
        ({"texts": {"department": "-"}}, "department: '-' means none in files; send an empty text instead"),
        (
            {"kind": "organization", "texts": {"plan": "PRO"}},
            "id: 'u1' differs from the organization 'acme'; an organization is its own id",
        ),
        ({"kind": "team", "texts": {"role": "owner"}}, "kind: 'team' is none of department, project, user"),
        ({"entity_id": "", "texts": {"role": "owner"}}, "id: '' is empty"),
        ({"entity_id": " u1", "texts": {"role": "owner"}}, "id: ' u1' has spaces around it; remove them"),
        ({"organization": "acme\u3000", "texts": {"role": "owner"}}, "'acme\\u3000' has spaces around it; remove them"),
        ({"texts": {"department": " "}}, "department: ' ' has spaces around it; remove them"),
        ({"texts": {"department": "sales "}}, "department: 'sales ' has spaces around it; remove them"),
        ({"kind": "customer", "texts": {"plan": " PRO"}}, "plan: ' PRO' has spaces around it; remove them"),
        ({"texts": {"role": " "}}, "role: ' ' has spaces around it; remove them"),
        ({"organization": "x" * 129, "texts": {"role": "owner"}}, "has 129 characters; use at most 128"),
        ({"attributes": {str(n): "" for n in range(51)}}, "attributes: '51' are too many; use at most 50"),
        ({"attributes": {"": "x"}}, "attributes: '' is empty"),
        ({"attributes": {"a": "x" * 513}}, "is too long; use at most 512"),
        ({"attributes": {"a": "\x07"}}, "attributes.a: '\\x07' has control characters"),
        ({}, "says nothing; give at least one of display_name, department"),
        (
            {"texts": {"role": "owner"}, "effective_from": datetime(1969, 12, 31, tzinfo=UTC)},
            "effective_from: '1969-12-31T00:00:00+00:00' must lie from 1970 to 2199",
        ),
    ],
)
def test_what_cannot_be_is_named_with_its_cure(given: dict[str, object], message: str) -> None:
    assert message in problem(**given)


def test_all_problems_are_told_at_once() -> None:
    text = problem(organization="", kind="team", texts={"display_name": ""})
    assert all(f"{name}: " in text for name in ("organization", "kind", "display_name"))


def test_a_later_word_stands_over_an_earlier_one_name_by_name() -> None:
    earlier = Said("Ada", department="sales", attributes={"a": "1", "b": "2"})
    later = Said(department="", role="owner", attributes={"b": "", "c": "3"})
    assert later.over(earlier) == Said("Ada", department="", role="owner", attributes={"a": "1", "b": "", "c": "3"})
