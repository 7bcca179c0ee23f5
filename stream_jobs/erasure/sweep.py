"""Sweeps completed erasures again: the register in, what a frozen process has brought back out of the warehouse.

A sweep takes two turns where rollup rows came back. The first removes events and asks the owners of the partitions to
compute those days again, so that what they hold in memory becomes right too; the next removes the empty rows and
forgets whom it was about. Any turn may be repeated, by anybody.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Self
from uuid import uuid4

import polars as pl
import structlog

from producers.timeliness.rules import TimeRules
from stream_jobs.erasure import statements, texts
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.erasure.scope import Scope
from stream_jobs.errors import NoErasureKey

log = structlog.get_logger()
NOBODY = ""
"""The user of an erasure whose name no row tells any more."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A completed erasure: by the columns of `statements.registered`."""

    control_id: str
    organization: str
    home: int
    offset: int
    user_hash: str
    key_check: str
    asked: datetime

    @property
    def scope(self) -> Scope:
        """What it is about."""
        return Scope(self.control_id, self.organization, self.home, self.offset, not self.user_hash)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a turn did. rows: removed; repair_id: the request for the days to be computed again, "" without any."""

    rows: int = 0
    days: int = 0
    repair_id: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left for another turn."""
        return not self.days


@dataclass(slots=True)
class Sweep:
    """One turn after the other. retained_from: first local day whose raw events are surely all kept; None: all are."""

    erasure: Erasure
    retained_from: date | None

    @classmethod
    def of_what_is_kept(cls, erasure: Erasure, times: TimeRules) -> Self:
        """A sweep that heeds the retention, which deletes by the wall clock and not by that of the log."""
        return cls(erasure, times.first_whole_day(datetime.now(UTC)))

    def turn(self, registered: Iterable[Sequence[Any]]) -> Swept:
        """Sweeps these erasures. Raises NoErasureKey when there are any and their hashes cannot be made."""
        by_organization: dict[str, list[Registered]] = defaultdict(list)
        for row in registered:
            each = Registered(*row)
            by_organization[each.organization].append(each)
            self._check(each)
        rows, places = 0, set[tuple[int, str, date]]()
        again = {name for (name,) in self.erasure.hand.rows(texts.SPOKEN_OF_AGAIN)} if by_organization else set()
        for organization, erasures in by_organization.items():
            users = self._users(organization, erasures)
            for each in erasures:
                rows += 0 if again.isdisjoint((organization, "")) else self._emptied(each.scope)
                removed, days = self._swept(each, users.get(each.user_hash, NOBODY))
                rows += removed
                places |= {(number, organization, day) for number, day in days}
        return Swept(rows, len(places), self._ask(sorted(places)) if places else "")

    def _emptied(self, scope: Scope) -> int:
        """Empties requests that stand in rows again; returns in how many."""
        emptied = self.erasure.empty_again(scope)
        if emptied:
            self.erasure.clear_again(scope)
            log.warning("emptied requests again", control_id=scope.control_id, rows=emptied)
        return emptied

    def _swept(self, each: Registered, user_id: str) -> tuple[int, set[tuple[int, date]]]:
        """How many rows were removed, and (log partition, day) of what is to be computed again."""
        hand, scope = self.erasure.hand, each.scope
        begun = bool(hand.rows(statements.is_noted(scope))[0][0])
        back = hand.rows(statements.back_again(scope))[0][0]
        if not (scope.whole or user_id or begun or back):
            return 0, set()
        self.erasure.note_again(scope, user_id)
        removed = self.erasure.remove_again(scope)
        days = {(int(number), day) for number, day in hand.rows(statements.orphaned(scope, self._kept))}
        if removed:
            touched = {(int(number), day) for number, day in hand.rows(statements.days(scope))}
            days |= {
                (number, day) for number, day in touched if self.retained_from is None or day >= self.retained_from
            }
        if not days:
            removed += self.erasure.remove_rest(scope, self._kept, each.asked)
            if removed or begun:
                self.erasure.clear_again(scope)
            self.erasure.forget(scope)
        if removed or days:
            log.warning("swept an erasure again", control_id=scope.control_id, rows=removed, days=len(days))
        return removed, days

    @property
    def _kept(self) -> str:
        return "1" if self.retained_from is None else f"day >= '{self.retained_from}'"

    def _users(self, organization: str, erasures: Iterable[Registered]) -> Mapping[str, str]:
        """Users that rows name, by their hash; only when some user was erased."""
        if not any(each.user_hash for each in erasures):
            return {}
        known = self.erasure.hand.rows(statements.known_users(organization))
        return {self.erasure.user_hash(organization, user): user for (user,) in known if user}

    def _check(self, each: Registered) -> None:
        if each.key_check != self.erasure.tombstones.key_check():
            raise NoErasureKey(
                f"erasure {each.control_id} was made with another erasure key: restore that key; with this one nobody "
                "can tell what a frozen process has brought back"
            )

    def _ask(self, places: Sequence[tuple[int, str, date]]) -> str:
        """Asks the owners for these days; returns the id of the request."""
        repair_id, asked = str(uuid4()), datetime.now(UTC)
        rows = [
            {
                "repair_id": repair_id,
                "src_partition": number,
                "organization": organization,
                "day": day,
                "state": "asked",
                "author": "sweep",
                "reason": "rows of an erasure came back",
                "asked": asked,
                "version": 1,
            }
            for number, organization, day in places
        ]
        frame = pl.DataFrame(rows).with_columns(
            pl.col("src_partition").cast(pl.UInt16), pl.col("asked").cast(pl.Datetime("ms", "UTC"))
        )
        self.erasure.hand.insert("repairs", frame)
        return repair_id
