"""Removes rows and empties texts of an erasure, and remembers how many: conditions in, counts out. Blocking.

A count is noted before its deletion and closed after it. So a deletion that is repeated after a crash counts once,
however much of it had been carried out, and one that comes later is added.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from stream_jobs.erasure import removed
from stream_jobs.erasure.mutation import PATIENCE_SECONDS, Mutation
from stream_jobs.erasure.scope import Scope


class Hand(Protocol):
    """What reaches the warehouse."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer."""

    def frame(self, sql: str) -> pl.DataFrame:
        """The answer as a frame."""

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        """Inserts durably."""

    def command(self, sql: str) -> None:
        """Runs a statement that changes something."""


@dataclass(frozen=True, slots=True)
class Removal:
    """The deletions of one erasure. patience_seconds: how long each of them may do nothing but fail."""

    hand: Hand
    scope: Scope
    patience_seconds: float = PATIENCE_SECONDS

    def delete_all(self, conditions: Mapping[str, str]) -> int:
        """Removes rows by table, from those tables that there are; returns how many."""
        known = {row[0] for row in self.hand.rows("SELECT name FROM system.tables WHERE database = currentDatabase()")}
        return sum(self.delete(table, where) for table, where in conditions.items() if table in known)

    def delete(self, table: str, where: str) -> int:
        """Removes the rows from every part; returns how many there were, old versions counted in."""
        return self._counted(table, table, where, f"DELETE WHERE ({where})")

    def empty(self, table: str, texts: Mapping[str, str]) -> int:
        """Empties texts of a table by column and condition; returns in how many rows."""
        where = " OR ".join(f"({column} != '' AND ({condition}))" for column, condition in texts.items())
        changes = ", ".join(f"{column} = if({condition}, '', {column})" for column, condition in texts.items())
        return self.change(table, where, changes)

    def change(self, table: str, where: str, changes: str) -> int:
        """Changes what rows say; returns how many."""
        return self._counted(table, f"{removed.TEXTS}{table}", where, f"UPDATE {changes} WHERE ({where})")

    def removed(self) -> dict[str, int]:
        """Rows removed so far by table."""
        return {name: int(rows) for name, rows in self.hand.rows(removed.counts(self.scope))}

    def close(self) -> None:
        """Everything that was begun is carried out: what is found from now on is counted apart."""
        self.hand.command(removed.all_done(self.scope))

    def _counted(self, table: str, name: str, where: str, change: str) -> int:
        count = int(self.hand.rows(f"SELECT count() FROM {table} WHERE {where}")[0][0])
        if count:
            number = int(self.hand.rows(removed.deletions_done(self.scope, name))[0][0])
            self.hand.command(removed.noted(self.scope, name, number, count, done=False))
            self._mutate(table, change)
            self.hand.command(removed.noted(self.scope, name, number, count, done=True))
        return count

    def _mutate(self, table: str, change: str) -> None:
        """Waits until every part is written anew. Raises WarehouseStrained when it may be tried again later."""
        Mutation(self.hand.rows, self.hand.command, table, self.patience_seconds).carry_out(change)
