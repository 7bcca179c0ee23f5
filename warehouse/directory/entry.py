"""The words of the directory: texts that somebody gave in, statements about an entry that are within bounds out.

A statement says only what it says; None leaves what held before. So a statement that arrives late takes its place in
time without undoing what a newer one said about something else.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from tokentally.fields import CONTROL_CHARACTERS
from warehouse.errors import InvalidEntry, Problem

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""From when a first statement holds that names no time."""
END: Final = datetime(2200, 1, 1, tzinfo=UTC)
MAX_TEXT_CHARACTERS: Final = 256
MAX_ORGANIZATION_CHARACTERS: Final = 128
MAX_ATTRIBUTES: Final = 50
MAX_ATTRIBUTE_NAME_CHARACTERS: Final = 64
MAX_ATTRIBUTE_CHARACTERS: Final = 512
NONE: Final = "-"
"""How a file says that there is no department, e-mail, role or plan: an empty cell says nothing there."""
ROLES: Final = ("owner", "finance", "department_manager", "member")

_CONTROL_BUT_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")


class Kind(StrEnum):
    """What an entry is; each is a dimension of usage. The id of an organization is its name in events."""

    DEPARTMENT = "department"
    PROJECT = "project"
    USER = "user"
    CUSTOMER = "customer"
    FEATURE = "feature"
    PROMPT = "prompt"
    API_KEY = "api_key"
    ORGANIZATION = "organization"


class State(StrEnum):
    """Whether an entry is in use."""

    ACTIVE = "active"
    ARCHIVED = "archived"


KINDS: Final = {str(kind): kind for kind in Kind}
STATES: Final = {str(state): state for state in State}
ONLY_FOR: Final[Mapping[str, tuple[Kind, ...]]] = {
    "department": (Kind.USER, Kind.PROJECT, Kind.API_KEY),
    "email": (Kind.USER,),
    "role": (Kind.USER,),
    "plan": (Kind.CUSTOMER, Kind.ORGANIZATION),
}
"""What belongs to some kinds only."""
SAID: Final = ("display_name", "department", "email", "role", "plan", "state")


class Key(NamedTuple):
    """Which entry."""

    organization: str
    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Said:
    """What is said about an entry. None: nothing; "": there is none; an attribute with "" is removed."""

    display_name: str | None = None
    department: str | None = None
    email: str | None = None
    role: str | None = None
    plan: str | None = None
    state: State | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def over(self, before: "Said") -> "Said":
        """Both together, this one where both say something."""
        return Said(
            before.display_name if self.display_name is None else self.display_name,
            before.department if self.department is None else self.department,
            before.email if self.email is None else self.email,
            before.role if self.role is None else self.role,
            before.plan if self.plan is None else self.plan,
            before.state if self.state is None else self.state,
            {**before.attributes, **self.attributes},
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """What holds about an entry from a moment on; `created` tells which of two for the same moment counts."""

    key: Key
    effective_from: datetime
    said: Said
    created: datetime = field(default=BEGINNING, compare=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """A statement as somebody gave it. effective_from None: always for a first one, from now on for a change."""

    key: Key
    effective_from: datetime | None
    said: Said


def wished(
    organization: str,
    kind: str,
    entity_id: str,
    texts: Mapping[str, str | None],
    attributes: Mapping[str, str] | None = None,
    effective_from: datetime | None = None,
) -> Wish:
    """A wish within bounds; line breaks in a display name become spaces. `texts` by the names in SAID.

    Raises InvalidEntry with every problem.
    """
    given = {name: text for name in SAID if (text := texts.get(name)) is not None}
    if "display_name" in given:
        given["display_name"] = " ".join(given["display_name"].split())
    problems = [
        *_name("organization", organization, MAX_ORGANIZATION_CHARACTERS),
        *_name("id", entity_id, MAX_TEXT_CHARACTERS),
        *_choice("kind", kind, KINDS),
        *_itself(organization, kind, entity_id),
        *(problem for name, text in given.items() for problem in _given(name, text, kind)),
        *_attributes(attributes or {}),
        *_moment(effective_from),
    ]
    if not given and not attributes:
        problems.append(Problem("display_name", "", f"says nothing; give at least one of {', '.join(SAID)}"))
    if problems:
        raise InvalidEntry(problems)
    state = given.pop("state", None)
    said = Said(**given, state=STATES[state] if state else None, attributes=dict(attributes or {}))
    if effective_from is not None:
        moment = effective_from.astimezone(UTC)
        effective_from = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return Wish(Key(organization, KINDS[kind], entity_id), effective_from, said)


def _given(name: str, text: str, kind: str) -> Iterable[Problem]:
    allowed = ONLY_FOR.get(name)
    if allowed and kind in KINDS and kind not in allowed:
        article = "an" if kind[0] in "aeo" else "a"
        yield Problem(name, text, f"belongs to {_listed(allowed)} only, not to {article} {kind}; leave it out")
    elif name == "state":
        yield from _choice(name, text, STATES)
    elif name == "display_name" or text:
        yield from _name(name, text, MAX_TEXT_CHARACTERS)
        if name in ONLY_FOR and text == NONE:
            yield Problem(name, text, "means none in files; send an empty text instead")
        elif name == "role":
            yield from _choice(name, text, ROLES)
        elif name == "email" and not _EMAIL.fullmatch(text):
            yield Problem(name, text, "is no e-mail address; write it like ada@example.org")


def _name(name: str, text: str, longest: int) -> Iterable[Problem]:
    yield from _text(name, text, longest)
    if text != text.strip():
        yield Problem(name, text, "has spaces around it; remove them")


def _itself(organization: str, kind: str, entity_id: str) -> Iterable[Problem]:
    if kind == Kind.ORGANIZATION and entity_id != organization:
        yield Problem("id", entity_id, f"differs from the organization {organization!r}; an organization is its own id")


def _text(name: str, text: str, longest: int) -> Iterable[Problem]:
    if not text:
        yield Problem(name, text, "is empty; give one")
    elif len(text) > longest:
        yield Problem(name, text, f"has {len(text)} characters; use at most {longest}")
    elif CONTROL_CHARACTERS.search(text):
        yield Problem(name, text, "has control characters; remove them")


def _choice(name: str, text: str, choices: Collection[str]) -> Iterable[Problem]:
    if text not in choices:
        yield Problem(name, text, f"is none of {_listed(choices)}; choose one")


def _attributes(attributes: Mapping[str, str]) -> Iterable[Problem]:
    if len(attributes) > MAX_ATTRIBUTES:
        yield Problem("attributes", str(len(attributes)), f"are too many; use at most {MAX_ATTRIBUTES}")
    for name, value in attributes.items():
        yield from _text("attributes", name, MAX_ATTRIBUTE_NAME_CHARACTERS)
        if len(value) > MAX_ATTRIBUTE_CHARACTERS:
            yield Problem(f"attributes.{name}", value, f"is too long; use at most {MAX_ATTRIBUTE_CHARACTERS}")
        elif _CONTROL_BUT_LINES.search(value):
            yield Problem(f"attributes.{name}", value, "has control characters; remove them")


def _moment(moment: datetime | None) -> Iterable[Problem]:
    if moment is not None and not BEGINNING <= moment < END:
        yield Problem("effective_from", moment.isoformat(), f"must lie from {BEGINNING.year} to {END.year - 1}")


def _listed(choices: Iterable[str]) -> str:
    return ", ".join(str(choice) for choice in choices)
