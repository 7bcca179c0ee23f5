"""The traffic of one round: a seed in, envelopes with every unpleasant thing a sender can do out."""

import random
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from tests.chaos.cast import MODELS, STEADY, Organization, bursts
from tests.chaos.event import Event, Posted
from tokentally import partition_of

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
AGES = ((60, 0, 2 * MINUTE), (10, 2 * MINUTE, 40 * MINUTE), (9, HOUR, 30 * HOUR), (17, 2 * DAY, 250 * DAY))
"""Weight, youngest and oldest age (ms). Those of the last kind gather around a few nights of the round, so that their
rows grow many times and periods are derived again and again."""
NIGHTS = 2
CHANGES = (1_791_041_400_000, 1_792_886_400_000, 1_793_516_400_000, 1_775_316_600_000)
"""Nights in which Lord Howe, Paris and New York changed their clocks (Unix ms)."""
FUTURE, AHEAD, BEFORE_ALL = 2 * HOUR, 8 * MINUTE, 915_148_800_000
SIZES = ((50, 1, 1), (20, 2, 15), (25, 16, 80), (4, 150, 400), (1, 500, 800))
"""Weight, fewest and most events of an envelope."""
FORMS = ("ndjson", "ndjson", "gzip", "zstd", "arrow", "arrow", "arrow")
BAD_LINES = (b'{"event_id": "x", "organization": "steady-1"}', b"no json", b'{"event_id": 7}', b"[]")
REMEMBERED = 30_000
KEPT_PROMISE = 0.05
"""How probably an envelope brings an event that was promised."""


@dataclass(slots=True)
class Traffic:
    """Makes one round's envelopes. `past` holds events of earlier rounds, which come again."""

    seed: str
    round_number: int
    partitions: int
    now_ms: int
    past: Sequence[Event] = ()
    sent: deque[Event] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _random: random.Random = field(init=False)
    _nights: list[int] = field(init=False)
    _change: int = field(init=False)
    _homes: dict[int, list[Organization]] = field(init=False)
    _again: dict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _promised: dict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """Events that somebody knows of already; they are sent some time later, or never."""
    _made: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(f"traffic {self.seed} {self.round_number}")
        self._change = self._random.choice(CHANGES)
        self._nights = [self._random.randint(*AGES[-1][1:]) for _ in range(NIGHTS)]
        self._homes = defaultdict(list)
        for one in STEADY:
            self._homes[self._home(one.name)].append(one)

    def envelopes(self, events: int, seconds: float) -> Iterator[tuple[float, Posted]]:
        """Envelopes with the second of the round at which each is due, until so many events are sent."""
        made = 0
        moments = sorted(self._random.uniform(0.1, 0.7) for _ in bursts(self.round_number))
        silent_after = list(zip(moments, bursts(self.round_number), strict=True))
        while made < events:
            at = seconds * made / events
            if silent_after and silent_after[0][0] <= made / events:
                _, one = silent_after.pop(0)
                posted = self._burst(one)
            else:
                posted = self._posted(self.now_ms + round(at * 1000))
            made += len(posted.events) + 1
            yield at, posted

    def _posted(self, now_ms: int) -> Posted:
        chance = self._random.random()
        home = self._random.choice(sorted(self._homes))
        if chance < 0.004:
            return Posted(home, (), "garbage")
        count = self._size()
        events = [self._event(self._random.choice(self._homes[home]), now_ms) for _ in range(count)]
        events = self._with_copies(home, events)
        self._random.shuffle(events)
        bad = tuple(self._random.choices(BAD_LINES, k=self._random.randint(1, 3))) if chance > 0.97 else ()
        form = self._random.choice(FORMS)
        if form == "arrow" and bad:
            form = "zstd"
        partition = home
        if 0.01 < chance < 0.025:
            partition = (home + self._random.randint(1, self.partitions - 1)) % self.partitions
        self.sent += events
        return Posted(partition, tuple(events), form, bad)

    def _burst(self, one: Organization) -> Posted:
        """Late events on a few days of the past; nothing of this organisation ever comes again."""
        events = []
        for _ in range(60):
            age = self._random.choice(self._nights) + self._random.randint(0, 3 * HOUR)
            events.append(self._described(one, self.now_ms - age))
        return Posted(self._home(one.name), tuple(events), self._random.choice(FORMS))

    def _with_copies(self, home: int, events: list[Event]) -> list[Event]:
        """Adds copies: in this envelope, the next one, after the window, of earlier rounds; some with another time."""
        events = events + self._again.pop(home, []) + self._kept_promises(home)
        copies: list[Event] = []
        for event in events:
            chance = self._random.random()
            if chance < 0.03:
                copies.append(event)
            elif chance < 0.06:
                self._again[home].append(event)
            elif chance < 0.09 and self.sent:
                copies.append(self._random.choice(self.sent))
            elif chance < 0.10 and self.past:
                copies.append(self._random.choice(self.past))
            elif chance < 0.115:
                copies.append(self._at_another_time(event))
            elif chance < 0.125 and self.sent:
                copies.append(self._at_another_time(self.sent[0]))
        return events + [event for event in copies if self._home(event.organization) == home]

    def promised(self, organization: str) -> Event:
        """An event that has not been sent, and probably will be."""
        one = next((each for each in STEADY if each.name == organization), STEADY[0])
        event = replace(self._event(one, self.now_ms), organization=organization)
        self._promised[self._home(organization)].append(event)
        return event

    def _kept_promises(self, home: int) -> list[Event]:
        waiting = self._promised[home]
        kept = [event for event in waiting if self._random.random() < KEPT_PROMISE] if waiting else []
        self._promised[home] = [event for event in waiting if event not in kept]
        return kept

    def _at_another_time(self, event: Event) -> Event:
        return replace(event, time_ms=event.time_ms - self._random.randint(1, 3 * DAY))

    def _event(self, one: Organization, now_ms: int) -> Event:
        chance = self._random.random()
        if chance < 0.002:
            time_ms = now_ms + FUTURE
        elif chance < 0.01:
            time_ms = now_ms + self._random.randint(0, AHEAD)
        elif chance < 0.011:
            time_ms = BEFORE_ALL
        elif chance < 0.02:
            time_ms = self._change + self._random.randint(-3 * HOUR, 3 * HOUR)
        else:
            _, youngest, oldest = self._random.choices(AGES, [age[0] for age in AGES])[0]
            age = self._random.choice(self._nights) if youngest >= DAY else self._random.randint(youngest, oldest)
            time_ms = now_ms - age - (self._random.randint(0, 2 * HOUR) if youngest >= DAY else 0)
        return self._described(one, time_ms)

    def _described(self, one: Organization, time_ms: int) -> Event:
        pick, number = self._random.choice, self._random.randrange
        model = self._random.choices(MODELS, [each.weight for each in MODELS])[0]
        fields: dict[str, Any] = {
            "user_id": f"user-{number(8)}",
            "customer_id": pick(("", "", "customer-1")),
            "department": pick(("", "sales", "research")),
            "feature": pick(("", "chat")),
            "project": pick(("", "apollo")),
            "api_key_id": pick(("", "", "key-1")),
            "prompt_id": pick(("", "greeting", "summary", "sql")),
            "category": pick(("", "coding", "support")),
            "thread_id": f"thread-{number(40)}" if number(3) else "",
            "provider": model.provider,
            "model": model.name,
            "status": pick(("success",) * 8 + ("error", "cancelled")),
            "billing_type": pick(("SYSTEM", "SYSTEM", "SYSTEM", "BYOK")),
            "plan": pick(("", "PRO", "FREE")),
            "input_tokens": number(9000) if number(12) else 0,
            "output_tokens": number(900) if number(12) else 0,
            **self._extras(model.extras),
        }
        if number(3):
            fields["duration_ms"] = number(60_000)
        if not number(4):
            fields["time_to_first_token_ms"] = number(4000)
        if not number(10):
            fields["rating"] = 1 + number(5)
        self._made += 1
        key = str(UUID(int=self._random.getrandbits(128)))
        if not number(5):
            key = f"call {self.seed} {self.round_number} {self._made}"
        if not number(3000):
            fields["input_tokens"] = 10**12  # costs more than any call may
        told = {name: value for name, value in fields.items() if value not in ("", 0)}
        return Event(one.name, key, time_ms, told)

    def _extras(self, names: Sequence[str]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name in names:
            if self._random.randrange(6):
                continue
            if name == "long":
                made["cache_read_tokens"] = self._random.choice((191_000, 200_000, 250_001))
            elif name == "reported":
                made["reported_cost_usd"] = f"0.{self._random.randrange(1, 10**9):09d}"
            elif name in ("web_searches", "widgets"):
                made["quantities"] = {name: self._random.randint(1, 9)}
            else:
                made[name] = self._random.randrange(1, 5000)
        return made

    def _size(self) -> int:
        _, fewest, most = self._random.choices(SIZES, [size[0] for size in SIZES])[0]
        return self._random.randint(fewest, most)

    def _home(self, organization: str) -> int:
        return partition_of(organization, self.partitions)
