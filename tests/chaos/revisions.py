"""New revisions of prices and multipliers, of everyone and of organisations: those that were shipped, with other
numbers that follow from their own; and calendars, which say all that they are."""

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from clickhouse_connect.driver.client import Client

from tests.chaos.cast import MODELS, STEADY
from warehouse.control.storing import rows_hash

SUBJECTS = ("prices", "multipliers")
LOWEST_PERCENT, HIGHEST_PERCENT = 50, 120
"""Of the price that was shipped. No model's call of 10^12 tokens comes to the other side of what any call may cost."""
DATED_SHARE = 0.3
DATED_FROM = datetime(2026, 9, 1, tzinfo=UTC)
DATED_DAYS = 60
PLACES = Decimal(1).scaleb(-18)
OWN_SHARE, SKIPPED_SHARE, MARKUP_SHARE = 0.4, 0.15, 0.5
HIGHEST_MARKUP_PPM = 400_000


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of `prices` or `multipliers`."""

    subject: str
    number: int
    organization: str = ""


def revision_of(seed: str, subject: str, number: int) -> Revision | None:
    """What a number stands for in a run: everyone's or an organisation's; None when somebody began with it and died."""
    made = random.Random(f"owner {seed} {subject} {number}")
    if number == 1:
        return Revision(subject, number)
    if made.random() < SKIPPED_SHARE:
        return None
    return Revision(subject, number, made.choice(STEADY).name if made.random() < OWN_SHARE else "")


@dataclass(frozen=True, slots=True)
class CalendarRevision:
    """A revision of an organisation's calendar. effective_from: ISO. damaged: its content is not that of its hash."""

    organization: str
    number: int
    time_zone: str
    week_start: int
    effective_from: str
    damaged: bool = False
    subject: str = "calendar"

    @property
    def content(self) -> str:
        """What is stored of it."""
        return f"{self._said} " if self.damaged else self._said

    @property
    def content_hash(self) -> str:
        """What its control record names."""
        return hashlib.sha256(self._said.encode()).hexdigest()

    @property
    def _said(self) -> str:
        names = ("time_zone", "week_start", "effective_from")
        return json.dumps({name: getattr(self, name) for name in names})


AnyRevision = Revision | CalendarRevision


@dataclass(slots=True)
class Revisions:
    """The revisions of a run. A run keeps them in a warehouse that may be set back to one that has never seen them."""

    client: Client
    seed: str
    stored: dict[AnyRevision, list[dict[str, Any]]] = field(default_factory=dict)
    _shipped: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _shipped_hashes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for subject in SUBJECTS:
            rows = self.client.query(f"SELECT * FROM {subject} FINAL WHERE revision = 1").named_results()
            self._shipped[subject] = [dict(row) for row in rows]
        shipped = "SELECT kind, content_hash FROM config_revisions WHERE revision = 1"
        self._shipped_hashes = {row[0]: row[1] for row in self.client.query(shipped).result_rows}

    def hash_of(self, revision: AnyRevision) -> str:
        """The hash of its content."""
        if isinstance(revision, CalendarRevision):
            return revision.content_hash
        return (
            self._shipped_hashes[revision.subject]
            if revision.number == 1
            else rows_hash({revision.subject: self._rows(revision), "terms": self._terms(revision)})
        )

    def store(self, revision: AnyRevision) -> None:
        """Stores a revision; from now on the run keeps it."""
        if isinstance(revision, CalendarRevision):
            self.stored[revision] = []
        elif revision.number > 1:
            self.stored[revision] = self._rows(revision)
        self.keep()

    def missing(self, client: Client) -> list[AnyRevision]:
        """What the warehouse does not have any more."""
        asked = "SELECT kind, revision, organization FROM config_revisions"
        have = set(client.query(asked).result_rows)
        return [each for each in list(self.stored) if (each.subject, each.number, each.organization) not in have]

    def keep(self) -> None:
        """Stores again what is missing."""
        for revision in self.missing(self.client):
            told = {"kind": revision.subject, "revision": revision.number, "organization": revision.organization}
            note = {"author": "chaos", "note": "", "source": "chaos", "created": datetime.now(UTC)}
            if isinstance(revision, CalendarRevision):
                told |= {"content_hash": revision.content_hash, "content": revision.content}
            else:
                rows = self.stored[revision]
                self._insert(revision.subject, rows)
                terms = self._terms(revision)
                self._insert("terms", terms)
                told |= {"content_hash": rows_hash({revision.subject: rows, "terms": terms}), "content": ""}
            self._insert("config_revisions", [told | note])

    def _rows(self, revision: Revision) -> list[dict[str, Any]]:
        shipped = self._shipped[revision.subject]
        if revision.number == 1:
            return shipped
        made = random.Random(f"revision {self.seed} {revision}")
        numbered = [row | {"revision": revision.number} for row in shipped]
        if revision.organization:
            numbered = self._own(revision, numbered, made)
        if revision.subject == "multipliers":
            return [row | {"multiplier_milli": row["multiplier_milli"] * made.randint(1, 4)} for row in numbered]
        rows = [row | {"price_usd": _scaled(row["price_usd"], made)} for row in numbered]
        start = DATED_FROM + timedelta(days=made.randrange(DATED_DAYS))
        dated = {(model.provider, model.name) for model in MODELS if made.random() < DATED_SHARE}
        last = max(row["position"] for row in rows) + 1
        later = [row for row in rows if (row["provider"], row["model"]) in dated]
        return rows + [
            row | {"effective_from": start, "position": last + place, "price_usd": _scaled(row["price_usd"], made)}
            for place, row in enumerate(later)
        ]

    @staticmethod
    def _own(revision: Revision, rows: list[dict[str, Any]], made: random.Random) -> list[dict[str, Any]]:
        """An organisation has something of its own for some of the models, and for all others what everyone has."""
        models = [(model.provider, model.name) for model in MODELS if model.provider != "nobody"]
        chosen = made.sample(models, made.randint(1, 4))
        of_it = {"organization": revision.organization}
        if revision.subject == "multipliers":
            names = [*chosen, ("", "")] if made.random() < OWN_SHARE else chosen
            like = next(row for row in rows if not row["model"])
            return [like | of_it | {"provider": provider, "model": model} for provider, model in names]
        start = DATED_FROM + timedelta(days=made.randrange(DATED_DAYS))
        owned = [row | of_it for row in rows if (row["provider"], row["model"]) in chosen and not row["service_tier"]]
        begins: dict[str, set[datetime]] = {}
        for row in owned:
            begins.setdefault(row["model"], set()).add(row["effective_from"])
        later = {model for model, dates in begins.items() if len(dates) == 1 and made.random() < DATED_SHARE}
        return [row | {"effective_from": start} if row["model"] in later else row for row in owned]

    def _terms(self, revision: Revision) -> list[dict[str, Any]]:
        """A markup or two, of a revision of the multipliers; they hold for the past as well."""
        made = random.Random(f"terms {self.seed} {revision}")
        if revision.subject != "multipliers" or made.random() > MARKUP_SHARE:
            return []
        starts = [datetime(1970, 1, 1, tzinfo=UTC), DATED_FROM + timedelta(days=made.randrange(DATED_DAYS))]
        known = {"revision": revision.number, "organization": revision.organization, "basis": "request"}
        known |= {"rounding": "exact", "free_daily_limit": 3, "credits_per_usd": Decimal(0)}
        return [
            known | {"effective_from": start, "markup_ppm": made.randrange(HIGHEST_MARKUP_PPM)}
            for start in made.sample(starts, made.randint(1, 2))
        ]

    def _insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        columns = list(rows[0])
        self.client.insert(table, [list(row.values()) for row in rows], column_names=columns)


def _scaled(price_usd: Decimal, made: random.Random) -> Decimal:
    return (price_usd * made.randint(LOWEST_PERCENT, HIGHEST_PERCENT) / 100).quantize(PLACES)
