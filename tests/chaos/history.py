"""Events that count and what control records make of them, one record after the other, in the order of the log."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import available_timezones

from tests.chaos.accepted import Accepted
from tests.chaos.event import Identity
from tests.chaos.orders import Order, Refused, selects, unix_ms
from tests.chaos.places import QUARTER, Calendars
from tests.chaos.prices import LOWEST, Charged, PriceList, Revisions

AHEAD_MS = 900_000
"""So far ahead of the log's clock an event may be."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a record says of an event that has not come yet. offset: of the record."""

    offset: int
    kind: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Correction:
    """An event before a record changed it. version: of the row that replaced it."""

    version: int
    order: Order
    before: Accepted


@dataclass(frozen=True, slots=True)
class Erased:
    """Who was erased, and where in the log. user_id: None for the whole organisation."""

    organization: str
    user_id: str | None
    partition: int
    offset: int

    def names(self, each: Accepted) -> bool:
        """Whether a row of this event would tell of what was erased."""
        return (
            each.event.organization == self.organization
            and each.offset < self.offset
            and self.user_id in (None, each.event.text("user_id"))
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that was cancelled. slices: how each of them ended, by organisation and local date; none before a plan."""

    kind: str
    slices: Mapping[tuple[str, str], str]


@dataclass(slots=True)
class History:
    """Events by identity, in the order of their acceptance; void ones among them.

    former: states that no longer hold, whose rows may be left as zeros.
    """

    prices: PriceList
    calendars: Calendars = field(default_factory=Calendars)
    contents: dict[tuple[str, int, str], str] = field(default_factory=dict)
    """What revisions of calendars say, by organisation, number and the hash they are stored under."""
    newest_calendars: dict[str, int] = field(default_factory=dict)
    """The highest revision of each organisation's calendar that was put in force."""
    ended: Mapping[tuple[int, str], Ended] = field(default_factory=dict)
    """Jobs that were cancelled, by log partition and control record."""
    unplanned: list[str] = field(default_factory=list)
    """Events that a cancelled job was about and on whose day it has no slice, in words."""
    events: dict[Identity, Accepted] = field(default_factory=dict)
    corrections: dict[tuple[Identity, int], Correction] = field(default_factory=dict)
    former: list[Accepted] = field(default_factory=list)
    in_force: dict[int, Revisions] = field(default_factory=lambda: defaultdict(lambda: LOWEST))
    erased: list[Erased] = field(default_factory=list)
    awaited: dict[Identity, list[Awaited]] = field(default_factory=lambda: defaultdict(list))

    def emptied(self) -> list[Accepted]:
        """States that no longer hold and whose rows in the family of users may be left as zeros.

        Of users that were erased no row is left, but in weeks in which they have come again.
        """
        again = {(each.event.organization, each.event.text("user_id"), each.place.week) for each in self.counted}
        return [
            each
            for each in self.former
            if (each.event.organization, each.event.text("user_id"), each.place.week) in again
            or not any(erased.names(each) for erased in self.erased)
        ]

    @property
    def counted(self) -> list[Accepted]:
        """Events that count."""
        return [each for each in self.events.values() if not each.is_void]

    def accept(self, accepted: Accepted) -> None:
        """An event comes; records that named it before make it what it is from its birth."""
        for waiting in self.awaited.get(accepted.event.identity, ()):
            if not accepted.is_void:
                accepted = self._changed(accepted, waiting.kind, waiting.values, accepted.by, waiting.offset)
        self.events[accepted.event.identity] = accepted

    def obey(self, order: Order, partition: int, offset: int, append_ms: int) -> None:
        """Does what a record says at this place. Raises Refused when it asks for what is not in force."""
        match order.kind:
            case "config" if order.body["subject"] == "calendar":
                self._change_calendar(order, append_ms)
            case "config":
                self._put_in_force(order, partition)
            case "void" | "amend" | "replace":
                self._change(order, partition, offset)
            case "reprice":
                self._reprice(order, partition, offset)
            case "erase":
                self._erase(order, partition, offset)

    def _put_in_force(self, order: Order, partition: int) -> None:
        subject, revision = order.body["subject"], order.body["revision"]
        if not self.prices.knows(subject, revision):
            raise LookupError(f"the run has not stored revision {revision} of {subject}")
        now = self.in_force[partition]
        highest = max(revision, now.prices if subject == "prices" else now.multipliers)
        self.in_force[partition] = replace(now, **{subject: highest})

    def _change_calendar(self, order: Order, append_ms: int) -> None:
        """Another calendar holds from a full quarter hour on, of which no event can have come yet."""
        name, hashed = order.organization, order.body["content_hash"]
        content = self.contents.get((name, order.body["revision"], hashed))
        if content is None:
            raise LookupError(f"the run has not stored calendar {order.body['revision']} of {name}")
        said = json.loads(content)
        start, week_start = unix_ms(said["effective_from"]) // 1000, said["week_start"]
        if hashlib.sha256(content.encode()).hexdigest() != hashed:
            raise Refused("another content")
        if said["time_zone"] not in available_timezones() or week_start not in range(1, 8):
            raise Refused("no calendar")
        if start % QUARTER or start * 1000 <= append_ms + AHEAD_MS:
            raise Refused("too soon, or inside a quarter hour")
        if order.body["revision"] < self.newest_calendars.get(name, 0):
            raise Refused("a later one holds")
        self.newest_calendars[name] = order.body["revision"]
        self.calendars.say(name, start, said["time_zone"], week_start)

    def _change(self, order: Order, partition: int, offset: int) -> None:
        now = self.in_force[partition]
        if "selection" in order.body:
            values = order.body.get("set", {})
            for each in self._selected(order, partition):
                if self._is_done(order, each):
                    self._store(self._changed(each, order.kind, values, now, offset), order)
            return
        for event_id, time_ms, values in order.named:
            identity = (order.organization, event_id, time_ms)
            known = self.events.get(identity)
            if known is None:
                self.awaited[identity].append(Awaited(offset, order.kind, values))
            elif not known.is_void and self._is_done(order, known):
                self._store(self._changed(known, order.kind, values, now, offset), order)

    def _reprice(self, order: Order, partition: int, offset: int) -> None:
        """Without multipliers credits stay, and the terms that each event was counted with bill its new cost."""
        now = self.in_force[partition]
        prices, counted = order.body.get("prices") or now.prices, order.body.get("multipliers")
        multipliers = now.multipliers if counted in (None, "in_force") else counted
        if prices > now.prices or multipliers > now.multipliers:
            raise Refused(f"{prices} and {multipliers} are not in force, {now} is")
        if not (self.prices.knows("prices", prices) and self.prices.knows("multipliers", multipliers)):
            raise Refused("a number that nobody has stored anything under")
        for each in self._selected(order, partition):
            if self._is_done(order, each):
                by = Revisions(prices, each.by.multipliers if counted is None else multipliers)
                charged = self._charged(each, by)
                if counted is None:
                    charged = replace(charged, credits_micro=each.charged.credits_micro)
                self._store(replace(each, charged=charged, by=by, version=offset + 1), order)

    def _erase(self, order: Order, partition: int, offset: int) -> None:
        user_id = order.body.get("user_id")

        def concerns(each: Accepted) -> bool:
            return self._is_about(order, partition, each) and user_id in (None, each.event.text("user_id"))

        for identity, waiting in self.awaited.items():
            if identity[0] == order.organization:
                waiting[:] = [each for each in waiting if user_id not in (None, each.values.get("user_id"))]
        if (partition, order.control_id) in self.ended:
            return
        gone = {identity for identity, each in self.events.items() if concerns(each)}
        self.former += [self.events[identity] for identity in gone]
        self.events = {identity: each for identity, each in self.events.items() if identity not in gone}
        # What is kept of other events, which once were the user's, names him too.
        self.corrections = {
            key: each for key, each in self.corrections.items() if key[0] not in gone and not concerns(each.before)
        }
        self.erased.append(Erased(order.organization, user_id, partition, offset))

    def _is_done(self, order: Order, each: Accepted) -> bool:
        """Whether the job of this record was not cancelled before it did the day of this event."""
        ended = self.ended.get((each.partition, order.control_id))
        if ended is None:
            return True
        slice_ = (each.event.organization, str(each.place.day))
        if ended.slices and slice_ not in ended.slices:
            self.unplanned.append(f"{order.kind} {order.control_id}: {each.event.identity} of {slice_[1]}")
        return ended.slices.get(slice_) == "done"

    def _selected(self, order: Order, partition: int) -> list[Accepted]:
        selection = order.body.get("selection") or {}
        return [
            each
            for each in self.counted
            if self._is_about(order, partition, each) and selects(selection, each.event, each.charged.status)
        ]

    @staticmethod
    def _is_about(order: Order, partition: int, each: Accepted) -> bool:
        return each.partition == partition and order.organization in ("", each.event.organization)

    def _changed(self, each: Accepted, kind: str, values: Mapping[str, Any], by: Revisions, offset: int) -> Accepted:
        if kind == "void":
            return replace(each, is_void=True, version=offset + 1)
        said = {**each.event.fields, **values}
        cleared = said.pop("clear", ())
        event = replace(each.event, fields={name: value for name, value in said.items() if name not in cleared})
        changed = replace(each, event=event, version=offset + 1)
        return changed if kind == "amend" else replace(changed, by=by, charged=self._charged(changed, by))

    def _charged(self, each: Accepted, by: Revisions) -> Charged:
        charged = self.prices.charge(each.event, by)
        if charged is None:
            raise ValueError(f"the run makes {each.event.identity} cost more than any call may")
        return charged

    def _store(self, changed: Accepted, order: Order) -> None:
        identity = changed.event.identity
        before = self.events[identity]
        self.events[identity] = changed
        self.former.append(before)
        self.corrections[identity, changed.version] = Correction(changed.version, order, before)
