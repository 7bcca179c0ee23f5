"""The log of statements: one JSON object per line, without data and without secrets, in files that rotate."""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from warehouse.embedded.engine import QueryStats
from warehouse.literals import masked

_SQL_CHARACTERS = 500
_KEPT_FILES = 3
# Words whose statements may hold a password or a key: only their first word is kept.
_SECRET_WORDS = ("password", "secret", "identified", "s3", "azure", "gcs", "url(", "remote", "mysql", "postgresql")


@dataclass(frozen=True, slots=True)
class LoggedQuery:
    """One line. `code` is 0 for a statement that succeeded."""

    query_id: str
    user: str
    sql: bytes
    duration_ms: float
    stats: QueryStats
    sent_bytes: int
    code: int


class QueryLog:
    """Appends lines; the files hold at most `max_mb` each, the newest and three older ones."""

    def __init__(self, path: Path, max_mb: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = RotatingFileHandler(path, maxBytes=max_mb << 20, backupCount=_KEPT_FILES)

    def write(self, query: LoggedQuery) -> None:
        """Appends one line."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "query_id": query.query_id,
            "user": query.user,
            "ms": round(query.duration_ms, 1),
            "read_rows": query.stats.read_rows,
            "written_rows": query.stats.written_rows,
            "result_rows": query.stats.result_rows,
            "sent_bytes": query.sent_bytes,
            "code": query.code,
            "sql": shown(query.sql),
        }
        text = json.dumps(line, ensure_ascii=False)
        self._handler.emit(logging.LogRecord("queries", logging.INFO, "", 0, text, None, None))

    def close(self) -> None:
        """Closes the file."""
        self._handler.close()


def shown(sql: bytes) -> str:
    """The beginning of a statement on one line, without its literals; of one that may hold secrets the first word."""
    text = " ".join(masked(sql[: 4 * _SQL_CHARACTERS].decode("utf-8", "replace")).split())
    lowered = sql.lower()
    if any(word.encode() in lowered for word in _SECRET_WORDS):
        return text.split(" ", 1)[0] + " …"
    return text if len(text) <= _SQL_CHARACTERS else text[:_SQL_CHARACTERS] + " …"
