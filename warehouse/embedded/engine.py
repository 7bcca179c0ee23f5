"""chDB as values of ours: settings, statements and bytes in, answers with their statistics out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import chdb

from warehouse.embedded.errors import ClickHouseError, from_engine
from warehouse.embedded.landing import Landing
from warehouse.literals import quoted

_PIECE_BYTES = 1 << 20  # measured: 1 MiB pieces insert 25 % faster than a whole 25 MB body
# The engine's own defaults would acknowledge inserts before they are on disk, take bare expressions for statements,
# reveal its code, start threads to format a single row (0.8 ms), and read statistics of parts that a merge has just
# removed: the statement ends with FILE_DOESNT_EXIST (26.9).
_FIRM_SETTINGS = {
    "async_insert": "0",
    "implicit_select": "0",
    "allow_introspection_functions": "0",
    "output_format_parallel_formatting": "0",
    "use_statistics": "0",
}


@dataclass(frozen=True, slots=True)
class QueryStats:
    """What ClickHouse tells in X-ClickHouse-Summary."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0

    def summary(self) -> str:
        """The header's value: every figure as text."""
        figures = {name: str(figure) for name, figure in asdict(self).items()}
        return json.dumps({**figures, "total_rows_to_read": figures["read_rows"]}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of a result in its format, and its statistics."""

    body: bytes
    stats: QueryStats


@dataclass(frozen=True, slots=True)
class Classification:
    """What the engine's parser says of a text: READ_ONLY, MUTATING, CONTROL … or UNKNOWN when it does not parse."""

    query_class: str
    statement_count: int
    has_secrets: bool


_connect: Callable[[str], Any] = chdb.connect
"""Its own types forbid bytes, which it takes, and are not there in every environment."""


class EngineConnection:
    """One ClickHouse session inside the process: own settings, current database, temporary tables.

    One thread at a time. Every method raises ClickHouseError.
    """

    def __init__(self, engine_address: str, settings: Mapping[str, str]) -> None:
        self._address = engine_address
        try:
            self._chdb = _connect(engine_address)
        except RuntimeError as failure:
            raise from_engine(failure) from failure
        try:
            self.set_settings({**_FIRM_SETTINGS, **settings})
        except ClickHouseError:
            self.close()
            raise

    def close(self) -> None:
        """Ends the session; what it ran is cancelled."""
        self._chdb.close()

    def classify(self, sql: bytes) -> Classification:
        """Asks the parser, without running anything. chDB's private API: pinned by a test."""
        found = self._chdb._conn.classify_query(sql)
        return Classification(found["query_class"].name, found["statement_count"], found["has_secrets"])

    def query(self, sql: bytes, output_format: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """Runs one statement and hands back its whole answer."""
        try:
            result: Any = self._chdb.query(sql, output_format, params=dict(parameters or {}))
        except RuntimeError as failure:
            raise from_engine(failure) from failure
        stats = QueryStats(
            read_rows=result.storage_rows_read(),
            read_bytes=result.storage_bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_read(),
            result_bytes=result.bytes_read(),
            elapsed_ns=int(result.elapsed() * 1e9),
        )
        return Answer(result.bytes(), stats)

    def text(self, sql: str, parameters: Mapping[str, str] | None = None) -> str:
        """A small answer as tab separated text without escapes."""
        return self.query(sql.encode(), "TSVRaw", parameters).body.decode("utf-8", "replace")

    def insert(self, head: bytes, data_format: str, chunks: Iterable[bytes]) -> QueryStats:
        """Inserts data of a format; rows are in the table when this returns, none of a short body when it raises.

        A body of more than about a million rows is written in several steps, as ClickHouse does: those done stay.
        """
        witness = _connect(self._address)
        try:
            return self._insert_watched(head, data_format, chunks, Landing(lambda sql: _answer(witness, sql)))
        finally:
            witness.close()

    def _insert_watched(self, head: bytes, data_format: str, chunks: Iterable[bytes], landing: Landing) -> QueryStats:
        landing.begin()
        try:
            stream = self._chdb.send_insert(landing.mark + head, data_format)
        except RuntimeError as failure:
            raise from_engine(failure) from failure
        with stream:  # leaving without finish() cancels
            try:
                for piece in _pieces(chunks):
                    stream.append(piece)
                landing.identify()
                done = stream.finish()
            except RuntimeError as failure:
                raise from_engine(failure) from failure
        if (failed := landing.failure()) is not None:
            raise failed
        return QueryStats(
            written_rows=done.rows_written,
            written_bytes=done.bytes_written,
            elapsed_ns=int(done.elapsed * 1e9),
        )

    def use(self, database: str) -> None:
        """Makes a database the current one."""
        self.text(f"USE {identifier(database)}")

    def set_settings(self, settings: Mapping[str, str]) -> None:
        """Applies settings in their order, all or (from the first wrong one on) not."""
        if settings:
            self.text("SET " + ", ".join(f"{identifier(name)} = {quoted(v)}" for name, v in settings.items()))

    def reset_settings(self, names: Iterable[str]) -> None:
        """Puts settings back to the engine's defaults."""
        listed = ", ".join(f"{identifier(name)} = DEFAULT" for name in names)
        if listed:
            self.text("SET " + listed)


def _answer(connection: Any, sql: str) -> bytes:
    answer: bytes = connection.query(sql, "JSONCompactEachRow").bytes()
    return answer


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of about 1 MiB, copied once."""
    kept: list[bytes | memoryview] = []
    size = 0
    for chunk in chunks:
        view = memoryview(chunk)
        for start in range(0, len(view), _PIECE_BYTES):
            part = view[start : start + _PIECE_BYTES]
            kept.append(part)
            size += len(part)
            if size >= _PIECE_BYTES:
                yield b"".join(kept)
                kept, size = [], 0
    if kept:
        yield b"".join(kept)


def identifier(name: str) -> str:
    """A name as SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Engine:
    """The one engine of the process. chDB locks its directory: a second process cannot open it."""

    def __init__(self, data_dir: Path, config_path: Path) -> None:
        self._address = f"{data_dir}?config-file={config_path}"
        self._keeper = self.connect()  # the engine lives as long as a connection does
        self.version = self._keeper.text("SELECT version()").strip()
        self.timezone = self._keeper.text("SELECT timezone()").strip()
        self.table_functions = self._names("SELECT name FROM system.table_functions")
        self.system_tables = self._names("SELECT name FROM system.tables WHERE database = 'system'")

    def _names(self, sql: str) -> frozenset[str]:
        return frozenset(self._keeper.text(sql).split())

    def connect(self, settings: Mapping[str, str] | None = None) -> EngineConnection:
        """A fresh ClickHouse session with these settings (0.5 ms); they are applied in their order."""
        return EngineConnection(self._address, settings or {})

    def kill(self, condition: str) -> None:
        """Cancels the running queries that match, without waiting; those of another thread included."""
        connection = self.connect()
        try:
            connection.text(f"KILL QUERY WHERE {condition} ASYNC")
        finally:
            connection.close()

    def close(self) -> None:
        """Closes the engine; its data are on disk already."""
        self._keeper.close()
