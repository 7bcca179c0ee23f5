"""New revisions of prices and multipliers: those that were shipped, with other numbers that follow from their own."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from clickhouse_connect.driver.client import Client

from stream_jobs.pricing.seed import content_hash
from tests.chaos.cast import MODELS

SUBJECTS = ("prices", "multipliers")
LOWEST_PERCENT, HIGHEST_PERCENT = 50, 120
"""Of the price that was shipped. No model's call of 10^12 tokens comes to the other side of what any call may cost."""
DATED_SHARE = 0.3
DATED_FROM = datetime(2026, 9, 1, tzinfo=UTC)
DATED_DAYS = 60
PLACES = Decimal(1).scaleb(-18)


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of `prices` or `multipliers`."""

    subject: str
    number: int


@dataclass(slots=True)
class Revisions:
    """The revisions of a run. A run keeps them in a warehouse that may be set back to one that has never seen them."""

    client: Client
    seed: str
    stored: dict[Revision, list[dict[str, Any]]] = field(default_factory=dict)
    _shipped: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _shipped_hashes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for subject in SUBJECTS:
            rows = self.client.query(f"SELECT * FROM {subject} FINAL WHERE revision = 1").named_results()
            self._shipped[subject] = [dict(row) for row in rows]
        shipped = "SELECT kind, content_hash FROM config_revisions WHERE revision = 1"
        self._shipped_hashes = {row[0]: row[1] for row in self.client.query(shipped).result_rows}

    def hash_of(self, revision: Revision) -> str:
        """The hash of its content."""
        return self._shipped_hashes[revision.subject] if revision.number == 1 else content_hash(self._rows(revision))

    def store(self, revision: Revision) -> None:
        """Stores a revision; from now on the run keeps it."""
        if revision.number > 1:
            self.stored[revision] = self._rows(revision)
        self.keep()

    def missing(self, client: Client) -> list[Revision]:
        """What the warehouse does not have any more."""
        have = {Revision(*row) for row in client.query("SELECT kind, revision FROM config_revisions").result_rows}
        return [revision for revision in list(self.stored) if revision not in have]

    def keep(self) -> None:
        """Stores again what is missing."""
        for revision in self.missing(self.client):
            rows = self.stored[revision]
            self._insert(revision.subject, rows)
            told = {"kind": revision.subject, "revision": revision.number, "content_hash": content_hash(rows)}
            note = {"author": "chaos", "note": "", "source": "chaos", "created": datetime.now(UTC)}
            self._insert("config_revisions", [told | note])

    def _rows(self, revision: Revision) -> list[dict[str, Any]]:
        shipped = self._shipped[revision.subject]
        if revision.number == 1:
            return shipped
        made = random.Random(f"revision {self.seed} {revision}")
        numbered = [row | {"revision": revision.number} for row in shipped]
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

    def _insert(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        columns = list(rows[0])
        self.client.insert(table, [list(row.values()) for row in rows], column_names=columns)


def _scaled(price_usd: Decimal, made: random.Random) -> Decimal:
    return (price_usd * made.randint(LOWEST_PERCENT, HIGHEST_PERCENT) / 100).quantize(PLACES)
