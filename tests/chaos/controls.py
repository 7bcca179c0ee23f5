"""The control records of one round: a seed and what was sent so far in, records of every kind and forged ones out."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.chaos.calendar_changes import CalendarChanges
from tests.chaos.cast import MODELS
from tests.chaos.clock import Clock
from tests.chaos.event import EPOCH, Event
from tests.chaos.revisions import SUBJECTS, AnyRevision, revision_of
from tests.chaos.traffic import HOUR, Traffic

KINDS = {
    "config": 3,
    "calendar": 8,
    "void events": 3,
    "void selection": 2,
    "amend events": 4,
    "amend selection": 3,
    "replace events": 3,
    "replace selection": 2,
    "reprice": 4,
    "repair": 1,
    "replay": 1,
    "erase": 2,
    "repeated": 2,
    "forged": 2,
    "nonsense": 1,
}
LEAPS = 2
MOST_EVENTS = 30
FORGERIES = ("unsigned", "another key", "another partition")
DEATHS = ("stored", "sent 1", "sent 3", "noted 1", "noted 2")
"""Where a publisher dies: after it stored the record; after so many partitions took it; after it noted so many."""
DEADLY = 0.3
SELECTABLE = (
    *("customer_id", "user_id", "department", "project", "feature", "prompt_id", "thread_id", "api_key_id"),
    *("model", "billing_type", "plan", "status", "category"),
)
TEXTS: dict[str, tuple[str, ...]] = {
    "customer_id": ("customer-1", "customer-2", ""),
    "user_id": tuple(f"user-{number}" for number in range(8)),
    "department": ("sales", "research", ""),
    "project": ("apollo", ""),
    "feature": ("chat", "search", ""),
    "prompt_id": ("greeting", "summary", ""),
    "thread_id": ("thread-1", "thread-41", ""),
    "api_key_id": ("key-1", "key-2"),
    "billing_type": ("SYSTEM", "BYOK"),
    "plan": ("PRO", "FREE"),
}
AMOUNTS = ("rating", "duration_ms", "time_to_first_token_ms", "reported_cost_usd")
TOKENS = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens", "cache_write_5m_tokens")
NONSENSE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("void", {}),
    ("void", {"selection": {}}),
    ("amend", {"selection": {"user_id": "user-1"}, "set": {}}),
    ("amend", {"selection": {"user_id": "user-1"}, "set": {"clear": ["duration_ms"]}}),
    ("repair", {"first": "2026-02-02", "last": "2026-02-01"}),
    ("erase", {"users": ["user-1"]}),
    ("undo", {}),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A control record that is wanted in the log.

    die: where its publisher dies, "" when it lives. forged: what is wrong with it, "" when it is published in order.
    revision: what it puts in force; stored_late: only after it was published.
    """

    control_id: str
    kind: str
    organization: str
    body: dict[str, Any]
    die: str = ""
    forged: str = ""
    revision: AnyRevision | None = None
    stored_late: bool = False


@dataclass(slots=True)
class Controls:
    """Makes one round's records. newest: the revisions of earlier rounds; earlier: what was asked for before;
    calendars: the same of them."""

    seed: str
    round_number: int
    newest: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUBJECTS, 1))
    earlier: list[Asked] = field(default_factory=list)
    calendars: CalendarChanges = field(default_factory=CalendarChanges)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(f"controls {self.seed} {self.round_number}")

    def moments(self, count: int) -> list[float]:
        """When records are due, as shares of the round's events; some close together."""
        moments = [self._random.uniform(0.05, 0.95) for _ in range(count)]
        return sorted(moments[: count * 3 // 4] + [moment + 0.002 for moment in moments[: count - count * 3 // 4]])

    def leaps(self) -> list[float]:
        """When time passes at once, as shares of the round's events."""
        return sorted(self._random.uniform(0.2, 0.9) for _ in range(LEAPS))

    def leap(self, traffic: Traffic, clock: Clock) -> None:
        """Lets time pass at once, in the log and for whoever sends."""
        by_ms = self.calendars.leap_ms(self._random, traffic.now_ms)
        clock.leap(by_ms)
        traffic.now_ms += by_ms

    def next(self, traffic: Traffic) -> Asked:
        """The next record, about what this traffic has sent or will send."""
        kind = self._random.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "repeated" and self.earlier:
            return self._random.choice(self.earlier)
        if kind == "config":
            asked = self._config()
        elif kind == "calendar":
            revision = self.calendars.next(self._random, traffic)
            body = {"subject": "calendar", "revision": revision.number}
            asked = self._configured(revision.organization, body, revision)
        elif kind == "nonsense":
            wrong, body = self._random.choice(NONSENSE)
            asked = self._asked(wrong, self._one(traffic).organization, body, forged="nonsense")
        elif kind == "forged":
            about = self._targeted(traffic, self._random.choice(("void", "amend", "replace")), named=True)
            asked = self._asked(*about, forged=self._random.choice(FORGERIES))
        else:
            asked = self._asked(*self._about(traffic, kind), die=self._death())
        if not asked.forged:
            self.earlier.append(asked)
        return asked

    def _about(self, traffic: Traffic, kind: str) -> tuple[str, str, dict[str, Any]]:
        event = self._one(traffic)
        word, _, how = kind.partition(" ")
        if how or word == "repeated":
            return self._targeted(traffic, word if how else "amend", named=how != "selection")
        if word == "reprice":
            return self._reprice(event)
        place_of = self.calendars.believed.place
        day = place_of(event.organization, event.time_ms).day
        if word == "repair":
            last = day + timedelta(days=self._random.randrange(3))
            return "repair", self._random.choice((event.organization, "")), {"first": str(day), "last": str(last)}
        if word == "replay":
            first = place_of(event.organization, traffic.now_ms).day - timedelta(days=self._random.randrange(3))
            return "replay", event.organization, {"first": str(first)}
        whole = not self._random.randrange(12)
        return "erase", event.organization, {} if whole else {"user_id": event.text("user_id")}

    def _config(self) -> Asked:
        """Mostly the next revision that somebody has stored, now and then one of before."""
        subject = self._random.choices(SUBJECTS, (2, 1))[0]
        again = not self._random.randrange(8)
        number = self._random.randint(1, self.newest[subject]) if again else self.newest[subject] + 1
        while (revision := revision_of(self.seed, subject, number)) is None:
            number += -1 if again else 1
        self.newest[subject] = max(number, self.newest[subject])
        return self._configured(revision.organization, {"subject": subject, "revision": number}, revision)

    def _configured(self, organization: str, body: dict[str, Any], revision: AnyRevision) -> Asked:
        late = not self._random.randrange(3)
        return self._asked("config", organization, body, die=self._death(), revision=revision, stored_late=late)

    def _reprice(self, event: Event) -> tuple[str, str, dict[str, Any]]:
        """Often by what is in force, wherever that is; numbers may be those of nobody."""
        body: dict[str, Any] = {}
        if self._random.randrange(2):
            body["prices"] = self._random.randint(1, self.newest["prices"])
        if not self._random.randrange(3):
            numbers = [self._random.randint(1, self.newest["multipliers"]), "in_force"]
            body["multipliers"] = self._random.choice(numbers)
        if not self._random.randrange(8):
            body["prices"] = self.newest["prices"] + 1  # not in force
        everywhere = not self._random.randrange(4)
        if everywhere or self._random.randrange(4):
            body["selection"] = self._selection(event)
        return "reprice", "" if everywhere else event.organization, body

    def _targeted(self, traffic: Traffic, kind: str, *, named: bool) -> tuple[str, str, dict[str, Any]]:
        event = self._one(traffic)
        if not named:
            body: dict[str, Any] = {"selection": self._selection(event)}
            return kind, event.organization, body if kind == "void" else body | {"set": self._set(kind)}
        events: list[dict[str, Any]] = []
        for each in self._several(traffic, event):
            time = (EPOCH + timedelta(milliseconds=each.time_ms)).isoformat(timespec="milliseconds")
            events.append({"event_id": each.event_id, "time": time})
        if kind != "void":
            events = [each | {"set": self._set(kind)} for each in events]
        return kind, event.organization, {"events": events}

    def _several(self, traffic: Traffic, about: Event) -> list[Event]:
        """Events of one organisation: sent, promised and never to be seen."""
        same = [each for each in (*traffic.past, *traffic.sent) if each.organization == about.organization]
        chosen = self._random.sample(same, min(len(same), self._random.randint(1, MOST_EVENTS)))
        chosen += [traffic.promised(about.organization) for _ in range(self._random.randrange(6))]
        if not self._random.randrange(3):
            chosen.append(Event(about.organization, str(UUID(int=self._random.getrandbits(128))), about.time_ms, {}))
        return list({each.identity: each for each in (*chosen, about)}.values())

    def _selection(self, event: Event) -> dict[str, Any]:
        """A few fields as this event has them, mostly inside some hours around it."""
        picked = self._random.sample(SELECTABLE, self._random.randint(1, 2))
        selection: dict[str, Any] = {name: event.text(name) for name in picked}
        if not self._random.randrange(8):
            selection["cost_status"] = self._random.choice(("priced", "partial", "unpriced", "reported"))
        around = [
            event.time_ms - self._random.randint(0, 20 * HOUR),
            event.time_ms + self._random.randint(1, 20 * HOUR),
        ]
        since, until = ((EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") for ms in around)
        if self._random.randrange(6):
            selection["since"] = since
        if self._random.randrange(6):
            selection["until"] = until
        return selection

    def _set(self, kind: str) -> dict[str, Any]:
        made: dict[str, Any] = {
            "rating": self._random.randint(1, 5),
            "category": self._random.choice(("coding", "support", "legal", "")),
            "status": self._random.choice(("success", "error", "cancelled")),
            "error_code": self._random.choice(("timeout", "refused", "")),
        }
        kept = self._random.sample(list(made), self._random.randint(1, 2))
        if kind == "amend":
            said = {name: made[name] for name in kept}
            return said if "rating" in said or self._random.randrange(3) else said | {"clear": ["rating"]}
        made = {name: made[name] for name in kept[1:]}
        made |= {name: self._random.choice(TEXTS[name]) for name in self._random.sample(list(TEXTS), 2)}
        if self._random.randrange(2):
            # All that a model is charged for changes with it, so that no call becomes dearer than any may be.
            model = self._random.choice(MODELS)
            made |= {"provider": model.provider, "model": model.name, "input_tokens": self._random.randrange(9000)}
        made |= {name: self._random.randrange(5000) for name in self._random.sample(TOKENS, self._random.randrange(3))}
        if not self._random.randrange(4):
            made["duration_ms"] = self._random.randint(1, 60_000)
        if not self._random.randrange(4):
            made["time_to_first_token_ms"] = self._random.randint(1, 4000)
        if not self._random.randrange(5):
            made["reported_cost_usd"] = f"0.{self._random.randrange(1, 10**9):09d}"
        cleared = [name for name in AMOUNTS if name not in made and not self._random.randrange(6)]
        return made | ({"clear": cleared} if cleared else {})

    def _one(self, traffic: Traffic) -> Event:
        held: Sequence[Event] = traffic.sent if self._random.randrange(4) or not traffic.past else traffic.past
        return held[self._random.randrange(len(held))]

    def _death(self) -> str:
        return self._random.choice(DEATHS) if self._random.random() < DEADLY else ""

    def _asked(self, kind: str, organization: str, body: dict[str, Any], **how: Any) -> Asked:
        return Asked(str(UUID(int=self._random.getrandbits(128))), kind, organization, body, **how)
