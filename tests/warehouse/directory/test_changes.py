"""What a wish does to a history: names hold from their own time, in whatever order they are told."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from warehouse.directory.changes import Entry, History, Outcome, all_decided, decided, in_force
from warehouse.directory.entry import BEGINNING, Key, Kind, Said, State, Statement, Wish

NOW = datetime(2026, 3, 14, 12, 0, 0, 123_456, tzinfo=UTC)
NOW_WRITTEN = NOW.replace(microsecond=123_000)
KEY = Key("acme", Kind.PROMPT, "p1")
DAY = timedelta(days=1)


def wish(at: datetime | None = None, state: State | None = None, **said: str) -> Wish:
    return Wish(KEY, at, Said(said.get("name"), department=said.get("department"), state=state))


def told(*wishes: Wish, now: datetime = NOW) -> tuple[History, list[Outcome]]:
    histories: dict[Key, History] = {}
    decisions = all_decided(wishes, histories, now)
    return histories.get(KEY, ()), [decision.outcome for _, decision in decisions]


def named(history: History, at: datetime) -> tuple[str, State] | None:
    entry = in_force(history, at)
    return (entry.display_name, entry.state) if entry else None


def test_without_a_time_the_first_holds_always_and_a_change_from_now_on() -> None:
    history, outcomes = told(wish(name="A"), wish(name="B"))
    assert outcomes == [Outcome.CREATED, Outcome.RENAMED]
    assert [(each.effective_from, each.said.display_name) for each in history] == [(BEGINNING, "A"), (NOW_WRITTEN, "B")]


def test_what_holds_already_is_not_written_again() -> None:
    history, outcomes = told(wish(name="A"), wish(name="A"), wish(name="A", state=State.ACTIVE), wish(department=""))
    assert outcomes == [Outcome.CREATED, *[Outcome.UNCHANGED] * 3]
    assert len(history) == 1


def test_the_same_moment_twice_is_one_statement_that_says_both() -> None:
    history, outcomes = told(wish(NOW, name="A"), wish(NOW, state=State.ARCHIVED), wish(NOW, name="A"))
    assert outcomes == [Outcome.CREATED, Outcome.ARCHIVED, Outcome.UNCHANGED]
    assert [each.said for each in history] == [Said("A", state=State.ARCHIVED)]


def test_a_correction_is_newer_than_what_it_replaces_though_the_clock_was_set_back() -> None:
    stored = Statement(KEY, BEGINNING, Said("A"), created=NOW + DAY)
    made = decided(wish(BEGINNING, name="B"), [stored], NOW).statement
    assert made is not None
    assert made.created > stored.created


def test_outcomes() -> None:
    first = wish(NOW - 3 * DAY, name="A")
    assert told(first, wish(state=State.ARCHIVED))[1] == [Outcome.CREATED, Outcome.ARCHIVED]
    assert told(first, wish(state=State.ARCHIVED), wish(NOW + DAY, State.ACTIVE))[1][-1] is Outcome.RESTORED
    assert told(first, wish(department="x"))[1][-1] is Outcome.CHANGED
    assert told(first, wish(NOW - 4 * DAY, name="older"))[1][-1] is Outcome.CREATED


def test_a_late_older_name_takes_its_place_and_undoes_nothing() -> None:
    history, _ = told(
        wish(NOW - 5 * DAY, State.ACTIVE, name="A"),
        wish(NOW - DAY, name="C"),
        wish(NOW, State.ARCHIVED),
        wish(NOW - 2 * DAY, name="B"),
    )
    assert [named(history, NOW - days * DAY) for days in (6, 5, 2, 1, 0)] == [
        None,
        ("A", State.ACTIVE),
        ("B", State.ACTIVE),
        ("C", State.ACTIVE),
        ("C", State.ARCHIVED),
    ]


def test_an_archived_entry_takes_a_name_that_arrives_late() -> None:
    history, _ = told(wish(NOW, State.ARCHIVED), wish(NOW - DAY, State.ACTIVE, name="A"))
    assert named(history, NOW) == ("A", State.ARCHIVED)


def test_without_a_name_it_is_called_by_its_id() -> None:
    history, _ = told(wish(state=State.ARCHIVED))
    assert in_force(history, NOW) == Entry(KEY, "p1", "", "", "", "", State.ARCHIVED, {}, BEGINNING)


def test_a_name_that_is_yet_to_come_does_not_hold_yet() -> None:
    history, outcomes = told(wish(NOW + DAY, name="B"), wish(name="A"))
    assert outcomes == [Outcome.CREATED, Outcome.CREATED]
    assert (named(history, NOW), named(history, NOW + DAY)) == (("A", State.ACTIVE), ("B", State.ACTIVE))


def test_an_attribute_is_removed_by_an_empty_value() -> None:
    def said(**attributes: str) -> Wish:
        return Wish(KEY, None, Said(attributes=attributes))

    histories: dict[Key, History] = {}
    wishes = (said(a="1", b="2"), said(a=""), said(a=""))
    outcomes = [all_decided([each], histories, NOW + day * DAY)[0][1] for day, each in enumerate(wishes)]
    entry = in_force(histories[KEY], NOW + 3 * DAY)
    assert entry is not None
    assert entry.attributes == {"b": "2"}
    assert [outcome.outcome for outcome in outcomes] == [Outcome.CREATED, Outcome.CHANGED, Outcome.UNCHANGED]


moments = st.lists(st.integers(0, 20), min_size=1, max_size=4, unique=True)


@given(moments, st.data())
def test_events_of_different_times_give_the_same_history_in_any_order_and_however_often(
    days: list[int], data: st.DataObject
) -> None:
    events = [
        wish(
            NOW - day * DAY,
            data.draw(st.sampled_from([None, State.ACTIVE, State.ARCHIVED])),
            name=data.draw(st.sampled_from("ABC")),
        )
        for day in days
    ]
    outcome, _ = told(*events)
    for order in permutations(events):
        assert told(*order, *order)[0] == outcome


@given(moments, st.booleans(), st.data())
def test_a_second_time_changes_nothing(days: list[int], dated: bool, data: st.DataObject) -> None:
    names = [data.draw(st.sampled_from("AB")) for _ in days]
    wishes = [wish(NOW - day * DAY, name=name) for day, name in zip(days, names, strict=True)]
    if not dated:
        wishes = [wish(name=names[0])]
    histories: dict[Key, History] = {}
    all_decided(wishes, histories, NOW)
    again = all_decided(wishes, histories, NOW + DAY)
    assert {decision.outcome for _, decision in again} == {Outcome.UNCHANGED}
