"""One change of rows that rewrites parts: a statement in, and back once every part is written anew. Blocking.

The warehouse repeats a mutation that fails, until there is memory or room on the disk again; that is waited for.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import structlog

from warehouse.errors import WarehouseStrained
from warehouse.literals import masked, quoted

log = structlog.get_logger()
LOOK_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 600.0
"""How long a mutation may do nothing but fail until it is called off, to be asked for again later."""
LONGEST_REASON: Final = 300


@dataclass(slots=True)
class Mutation:
    """A mutation that is told from everybody else's, also of the same rows, by a mark in its condition."""

    rows: Callable[[str], list[tuple[Any, ...]]]
    command: Callable[[str], None]
    table: str
    patience_seconds: float = PATIENCE_SECONDS
    mark: str = field(default_factory=lambda: str(uuid4()))
    _failing: float | None = None
    """Since when it has failed."""

    def carry_out(self, change: str) -> None:
        """change: ends with its condition. Raises WarehouseStrained when it may be tried again later."""
        # Waiting inside the statement would end it with the first failure, and with an answer that comes too late.
        self.command(f"ALTER TABLE {self.table} {change} AND notEmpty({quoted(self.mark)}) SETTINGS mutations_sync = 0")
        while found := self.rows(f"SELECT toInt64(min(is_done)), max(latest_fail_reason) {self._of_mine}"):
            [(is_done, failure)] = found
            if is_done:
                return
            self._wait(failure)
            time.sleep(LOOK_SECONDS)
        raise self._strained("somebody has called the mutation off")

    @property
    def _of_mine(self) -> str:
        """A statement that is repeated, because its answer was lost, makes another mutation with the same mark."""
        of_table = f"database = currentDatabase() AND table = {quoted(self.table)}"
        return (
            f"FROM system.mutations WHERE {of_table} AND position(command, {quoted(self.mark)}) > 0 HAVING count() > 0"
        )

    def _wait(self, failure: str) -> None:
        if not failure:
            self._failing = None
            return
        said = masked(failure)[:LONGEST_REASON]
        now = time.monotonic()
        if self._failing is None:
            self._failing = now
            log.warning("waiting for the warehouse to repeat a mutation", table=self.table, reason=said)
        if now - self._failing > self.patience_seconds:
            self._call_off()
            raise self._strained(said)

    def _call_off(self) -> None:
        """It would hold up every later mutation of the table."""
        self.command(
            f"KILL MUTATION WHERE database = currentDatabase() AND table = {quoted(self.table)} "
            f"AND position(command, {quoted(self.mark)}) > 0"
        )

    def _strained(self, why: str) -> WarehouseStrained:
        return WarehouseStrained(f"rows of {self.table} cannot be changed now: {why}")
