"""What a wish changes: an entry's history and a wish in, what became of it and the statement to write out."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from warehouse.directory.entry import BEGINNING, Key, Said, State, Statement, Wish

History = Sequence[Statement]
"""The statements about one entry, by effective_from."""


class Outcome(StrEnum):
    """What a wish did."""

    CREATED = "created"
    RENAMED = "renamed"
    ARCHIVED = "archived"
    RESTORED = "restored"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Entry:
    """What holds about an entry at a moment; since: from when the newest of it holds."""

    key: Key
    display_name: str
    department: str
    email: str
    role: str
    plan: str
    state: State
    attributes: Mapping[str, str]
    since: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What a wish did; statement None: nothing is to be written."""

    outcome: Outcome
    statement: Statement | None


def in_force(history: History, at: datetime) -> Entry | None:
    """What holds at a moment; None before the first statement."""
    said, since = Said(), None
    for statement in history:
        if statement.effective_from <= at:
            said, since = statement.said.over(said), statement.effective_from
    if since is None:
        return None
    key = history[0].key
    return Entry(
        key,
        said.display_name or key.id,
        said.department or "",
        said.email or "",
        said.role or "",
        said.plan or "",
        said.state or State.ACTIVE,
        {name: value for name, value in sorted(said.attributes.items()) if value},
        since,
    )


def decided(wish: Wish, history: History, now: datetime) -> Decision:
    """What a wish does to a history. Without a time it holds from now on, or always when nothing holds yet."""
    at = wish.effective_from
    if not history:
        return Decision(Outcome.CREATED, Statement(wish.key, BEGINNING if at is None else at, wish.said, now))
    if at is None:
        at = BEGINNING if in_force(history, now) is None else _whole_milliseconds(now)
    before = in_force(history, at)
    same = next((statement for statement in history if statement.effective_from == at), None)
    said = wish.said.over(same.said if same else Said())
    created = max(now, same.created + timedelta(microseconds=1)) if same else now
    statement = Statement(wish.key, at, said, created)
    after = in_force(added(history, statement), at)
    agrees = before is not None and after is not None and replace(after, since=before.since) == before
    if same == statement or (agrees and wish.effective_from is None):
        return Decision(Outcome.UNCHANGED, None)
    return Decision(_outcome(before, after), statement)


def all_decided(
    wishes: Iterable[Wish], histories: MutableMapping[Key, History], now: datetime
) -> Sequence[tuple[Wish, Decision]]:
    """Each wish after those before it; `histories` holds what the wishes made of them afterwards."""
    decisions = []
    for wish in wishes:
        history = histories.get(wish.key, ())
        decision = decided(wish, history, now)
        if decision.statement:
            histories[wish.key] = added(history, decision.statement)
        decisions.append((wish, decision))
    return decisions


def added(history: History, statement: Statement) -> History:
    """The history with a statement in its place in time, instead of one for the same moment."""
    others = [each for each in history if each.effective_from != statement.effective_from]
    return sorted([*others, statement], key=lambda each: each.effective_from)


def _outcome(before: Entry | None, after: Entry | None) -> Outcome:
    if before is None or after is None:
        return Outcome.CREATED
    if before.state != after.state:
        return Outcome.ARCHIVED if after.state is State.ARCHIVED else Outcome.RESTORED
    return Outcome.RENAMED if before.display_name != after.display_name else Outcome.CHANGED


def _whole_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
