"""Stand-ins for what the API is given: a warehouse with prepared answers, and keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import warehouse.organizations
from api.access import ApiKey
from api.errors import Conflict, InvalidParameter
from warehouse.directory import entry
from warehouse.directory.changes import Decision, History, all_decided
from warehouse.directory.entry import Wish
from warehouse.directory.registration import OrganizationWish, Registered
from warehouse.errors import CalendarInUse, InvalidOrganization
from warehouse.organizations import decided as calendar_decided
from warehouse.queries.organizations import Organization, Organizations
from warehouse.queries.progress import PartitionProgress, Progress
from warehouse.queries.query import Query

Answer = TypeVar("Answer")
NOW = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)
"""Already the 15th in Paris."""
APPLIED = datetime(2026, 3, 14, 23, 29, 59, 589_000, tzinfo=UTC)
PARIS = Organization("acme", "Acme SA", "Europe/Paris", 1, registered=True)


@dataclass(frozen=True, slots=True)
class Key:
    """A key."""

    organization: str | None
    scopes: tuple[str, ...] = ("read",)
    id: str = "0a1b2c3d4e5f"


@dataclass(frozen=True, slots=True)
class FakeKeys:
    """The secrets `all`, `acme` and `ingest`; `root` and `boss` change what all and acme read."""

    def authenticate(self, secret: str) -> ApiKey | None:
        known = {"all": Key(None), "acme": Key("acme"), "ingest": Key("acme", ("ingest",))}
        known |= {"root": Key(None, ("admin", "read")), "boss": Key("acme", ("admin", "read"))}
        return known.get(secret)


@dataclass(slots=True)
class FakeWarehouse:
    """Answers each type of question with what is prepared for it, and remembers what was asked."""

    answers: dict[type, Any] = field(default_factory=dict)
    asked: list[Query[Any]] = field(default_factory=list)
    failure: Exception | None = None

    async def ask(self, query: Query[Answer]) -> Answer:
        if self.failure:
            raise self.failure
        self.asked.append(query)
        prepared: Callable[[Any], Answer] = self.answers.get(type(query)) or DEFAULTS[type(query)]
        return prepared(query)

    def of(self, kind: type) -> list[Any]:
        """The questions of one type that were asked."""
        return [query for query in self.asked if isinstance(query, kind)]


@dataclass(slots=True)
class FakeDirectory:
    """A directory in memory that remembers who wrote."""

    histories: dict[entry.Key, History] = field(default_factory=dict)
    organizations: dict[str, warehouse.organizations.Organization] = field(default_factory=dict)
    calls: list[tuple[Sequence[Wish], str, str]] = field(default_factory=list)

    async def carry_out(
        self, wishes: Sequence[Wish], now: datetime, author: str, source: str
    ) -> Sequence[tuple[Wish, Decision]]:
        self.calls.append((wishes, author, source))
        return all_decided(wishes, self.histories, now)

    async def register(self, wish: OrganizationWish, now: datetime, author: str, source: str) -> Registered:
        known = self.organizations.get(wish.name)
        try:
            wanted = wish.over(known)
            row = calendar_decided(wanted, known, used="has")
        except InvalidOrganization as problem:
            raise InvalidParameter(str(problem)) from problem
        except CalendarInUse as problem:
            raise Conflict(str(problem)) from problem
        self.organizations[wish.name] = wanted
        decisions = await self.carry_out([wish.statement] if wish.statement else [], now, author, source)
        return Registered(wanted, row is not None, decisions[0][1] if decisions else None)


def message(answer: Any, status: int = 422) -> str:
    """The words of a refusal with that status."""
    assert answer.status_code == status, answer.text
    text: str = answer.json()["error"]["message"]
    return text


DEFAULTS: dict[type, Callable[[Any], Any]] = {
    Organizations: lambda query: [PARIS] if query.organization in (None, "acme") else [],
    Progress: lambda query: [PartitionProgress("usage.events", 1024, 7, APPLIED, 9, 8, 1, 0, 0)],
}
