"""Prices and multipliers that single organisations have: stored for all of many, then changed one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.load import newest_revision
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.record import multiplier_record, price_record
from tests.benchmarks.jobs.asked import AUTHOR, Asking

Subject = Literal["prices", "multipliers"]
PROVIDER, MODELS = "openai", ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "o3")
UNITS: Final = ("input_mtok", "output_mtok")
REVISIONS_AT_ONCE: Final = 1000


@dataclass(slots=True)
class Own:
    """One kind of configuration that each organisation has rows of its own of."""

    asking: Asking
    subject: Subject

    def give_all(self, organizations: Sequence[str]) -> None:
        """Stores a revision of each, which no record names: the next one puts them in force."""
        number = newest_revision(self.asking.client, self.subject)
        for start in range(0, len(organizations), REVISIONS_AT_ONCE):
            names = organizations[start : start + REVISIONS_AT_ONCE]
            numbered = list(enumerate(names, start=number + 1 + start))
            self._insert(self.subject, [row for at, name in numbered for row in self._rows(at, name)])
            self._insert("config_revisions", [self._entry(at, name) for at, name in numbered])

    def change(self, organization: str) -> None:
        """Gives one organisation other rows, and asks for them to be in force."""
        number = newest_revision(self.asking.client, self.subject) + 1
        self._insert(self.subject, self._rows(number, organization))
        entry = self._entry(number, organization)
        self._insert("config_revisions", [entry])
        said = {"subject": self.subject, "revision": number, "content_hash": entry["content_hash"]}
        self.asking.ask("config", organization, said)

    def _rows(self, number: int, organization: str) -> list[dict[str, Any]]:
        now, model = datetime.now(UTC), MODELS[number % len(MODELS)]
        if self.subject == "multipliers":
            row = MultiplierRow(PROVIDER, model, 1000 + number % 1000, AUTHOR, organization=organization)
            return [{"revision": number, **multiplier_record(row, AUTHOR, now)}]
        rows = [
            PriceRow(
                *(PROVIDER, model, model, "", unit, Decimal(1000 + number % 1000) / 1000, 1_000_000, position, AUTHOR),
                organization=organization,
            )
            for position, unit in enumerate(UNITS)
        ]
        return [{"revision": number, **price_record(row, AUTHOR, "", now)} for row in rows]

    def _entry(self, number: int, organization: str) -> dict[str, Any]:
        return self.asking.entry(self.subject, number, organization, f"{self.subject} {number}")

    def _insert(self, table: str, records: Sequence[Mapping[str, Any]]) -> None:
        columns = list(records[0])
        rows = [[record[column] for column in columns] for record in records]
        self.asking.client.insert(table, rows, column_names=columns)
