"""Events that count and what control records make of them, one record after the other, in the order of the log."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.chaos.accepted import Accepted
from tests.chaos.event import Identity
from tests.chaos.orders import Order, Refused, selects
from tests.chaos.prices import LOWEST, Charged, PriceList, Revisions


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


@dataclass(slots=True)
class History:
    """Events by identity, in the order of their acceptance; void ones among them.

    former: states that no longer hold, whose rows may be left as zeros.
    """

    prices: PriceList
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

    def obey(self, order: Order, partition: int, offset: int) -> None:
        """Does what a record says at this place. Raises Refused when it asks for what is not in force."""
        match order.kind:
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

    def _change(self, order: Order, partition: int, offset: int) -> None:
        now = self.in_force[partition]
        if "selection" in order.body:
            values = order.body.get("set", {})
            for each in self._selected(order, partition):
                self._store(self._changed(each, order.kind, values, now, offset), order)
            return
        for event_id, time_ms, values in order.named:
            identity = (order.organization, event_id, time_ms)
            known = self.events.get(identity)
            if known is None:
                self.awaited[identity].append(Awaited(offset, order.kind, values))
            elif not known.is_void:
                self._store(self._changed(known, order.kind, values, now, offset), order)

    def _reprice(self, order: Order, partition: int, offset: int) -> None:
        now = self.in_force[partition]
        by = Revisions(order.body["prices"], order.body.get("multipliers") or now.multipliers)
        if by.prices > now.prices or by.multipliers > now.multipliers:
            raise Refused(f"{by} is not in force, {now} is")
        for each in self._selected(order, partition):
            charged = self._charged(each, by)
            self._store(replace(each, charged=charged, by=by, version=offset + 1), order)

    def _erase(self, order: Order, partition: int, offset: int) -> None:
        user_id = order.body.get("user_id")

        def concerns(each: Accepted) -> bool:
            return self._is_about(order, partition, each) and user_id in (None, each.event.text("user_id"))

        gone = {identity for identity, each in self.events.items() if concerns(each)}
        self.former += [self.events[identity] for identity in gone]
        self.events = {identity: each for identity, each in self.events.items() if identity not in gone}
        # What is kept of other events, which once were the user's, names him too.
        self.corrections = {
            key: each for key, each in self.corrections.items() if key[0] not in gone and not concerns(each.before)
        }
        self.erased.append(Erased(order.organization, user_id, partition, offset))

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
        event = replace(each.event, fields={**each.event.fields, **values})
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
