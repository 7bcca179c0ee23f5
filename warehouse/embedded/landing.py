"""Whether an insert has landed: chDB's streaming inserts say that rows were written also when writing them failed.

A full disk, too many parts, a violated constraint, a failing materialized view: the engine raises inside, and its
inserter reports success (chdb-core 26.9). The engine counts every error with the id of its query, so it is asked.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from warehouse.embedded.errors import ClickHouseError
from warehouse.literals import quoted

UNKNOWN_STATUS_OF_INSERT = 319
WRITING = (74, 75, 76, 77, 88, 173, 236, 241, 242, 243, 252, 319, 425, 439, 469, 586, 1000, 1001)
"""What can go wrong while rows are being written. An error remembers its last query only: another statement that
failed the same way at the same time may have taken the place of this one."""
_ERRORS = "SELECT code, name, value, query_id, last_error_message FROM system.errors WHERE NOT remote"


@dataclass(slots=True)
class Landing:
    """Watches one insert from a connection of its own. `mark` goes in front of the insert's text."""

    query: Callable[[str], bytes]
    """Answers a statement in JSONCompactEachRow."""
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    _before: dict[int, int] = field(default_factory=dict)
    _query_id: str = ""

    @property
    def mark(self) -> bytes:
        """A comment by which the insert is found among the engine's processes."""
        return f"/* {self.token} */ ".encode()

    def begin(self) -> None:
        """Before the insert begins: remembers what had gone wrong until now."""
        self._before = {row[0]: int(row[2]) for row in self._rows(_ERRORS)}

    def identify(self) -> None:
        """While the insert runs: learns the engine's id of it."""
        found = self._rows(
            f"SELECT query_id FROM system.processes WHERE startsWith(query, {quoted(f'/* {self.token}')})"
        )
        self._query_id = found[0][0] if found else ""

    def failure(self) -> ClickHouseError | None:
        """After its end: what went wrong in it, None when it has landed."""
        fresh = [row for row in self._rows(_ERRORS) if int(row[2]) > self._before.get(row[0], 0)]
        for code, name, _, query_id, message in fresh:
            if query_id == self._query_id or not self._query_id:
                return ClickHouseError(code, f"Code: {code}. DB::Exception: {message} ({name})")
        for code, name, value, _, _ in fresh:
            if code in WRITING and int(value) - self._before.get(code, 0) > 1:
                return ClickHouseError(
                    UNKNOWN_STATUS_OF_INSERT,
                    f"Code: {UNKNOWN_STATUS_OF_INSERT}. DB::Exception: Other statements failed with {name} at the same "
                    "time; whether this insert landed is not known: repeat it. (UNKNOWN_STATUS_OF_INSERT)",
                )
        return None

    def _rows(self, sql: str) -> list[list[Any]]:
        return [json.loads(line) for line in self.query(sql).splitlines()]
