"""Runs one request's statement in a worker thread: a job in, the engine's answer out (through a pipe when it reads)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from warehouse.embedded.access import INSERT_SETTINGS, check_insert, check_tree, reader_settings
from warehouse.embedded.engine import Answer, Classification, Engine, EngineConnection, identifier
from warehouse.embedded.errors import ClickHouseError, Fault, refused
from warehouse.embedded.sessions import Session
from warehouse.embedded.source import Insert, Source
from warehouse.embedded.statements import Statement, by_query_id
from warehouse.embedded.users import User
from warehouse.literals import quoted

Work = Statement | Insert

# chDB gives queries ids of its own; the client's stands first in log_comment, where KILL QUERY finds it.
QUERY_ID_EXPRESSION = "splitByChar(' ', Settings['log_comment'])[1]"


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """A table that came with the request; `structure` is ClickHouse's list of columns."""

    name: str
    data_format: str
    structure: str
    data: bytes


@dataclass(slots=True)
class Told:
    """What the worker thread has learnt of the statement, for the response's headers and the log."""

    sql: bytes = b""
    output_format: str = ""
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker thread needs to know of a request; without a pipe an answer is handed back whole."""

    user: User
    query_id: str
    source: Source
    output_format: str
    told: Told
    pipe_path: str | None
    read_only_method: bool = False
    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    external_tables: tuple[ExternalTable, ...] = ()
    session: Session | None = None

    @property
    def only_reads(self) -> bool:
        """True when the request itself forbids changes: a GET, or readonly=1 (which a session could not undo)."""
        return self.read_only_method or self.settings.get("readonly", "0") not in ("", "0")


def run(engine: Engine, job: Job) -> Answer:
    """Runs the job to its end. Raises ClickHouseError.

    What a reading statement answers goes to the pipe; the body of the returned answer is empty then.
    """
    work = job.source.read()
    if isinstance(work, Insert):
        job.told.sql = work.text.head
    else:
        job.told.sql, job.told.output_format = work.sql, work.output_format or job.output_format
        _check_possible(work)
    if job.only_reads and isinstance(work, Insert):
        raise _only_reads(job)
    if job.user.is_reader:
        return _run_as_reader(engine, job, work)
    session = job.session
    if session is not None and (session.connection is not None or _leaves_something(work)):
        return _run_in_session(engine, job, work, session)
    connection = engine.connect(_with_comment(job, job.settings))
    try:
        if job.database:
            connection.use(job.database)
        return _run_as_writer(connection, job, work)
    finally:
        connection.close()


def _run_as_reader(engine: Engine, job: Job, work: Work) -> Answer:
    """A reader's session holds nothing (SET and temporary tables are refused): every statement is on its own."""
    if isinstance(work, Insert):
        return _insert_as_reader(engine, job, work)
    settings = _with_comment(job, reader_settings(job.user, job.settings, engine.system_tables))
    connection = engine.connect(settings)
    try:
        if job.database:
            connection.use(job.database)
        _load_external_tables(connection, job)
        connection.set_settings({"readonly": "1"})
        _check_reading(engine, connection, job, work)
        return _read(connection, job, work)
    finally:
        connection.close()


def _insert_as_reader(engine: Engine, job: Job, insert: Insert) -> Answer:
    """Rows for one of the few tables that the user's entry names; without such an entry every INSERT is refused."""
    database = job.database or "default"
    if not job.user.inserts:
        raise _only_reads(job)
    check_insert(insert.text.head, insert.text.data_format, job.user, database)
    settings = reader_settings(job.user, job.settings, engine.system_tables) | INSERT_SETTINGS
    connection = engine.connect(_with_comment(job, settings))
    try:
        connection.use(database)
        return Answer(b"", connection.insert(insert.text.head, insert.text.data_format, insert.chunks))
    finally:
        connection.close()


def _check_reading(engine: Engine, connection: EngineConnection, job: Job, statement: Statement) -> None:
    """Lets one READ_ONLY statement pass that stays inside what a reader may touch."""
    kind = connection.classify(statement.sql)
    if kind.query_class == "UNKNOWN":  # does not parse: this raises, in the engine's own words
        connection.query(b"SELECT formatQuery({sql:String})", "TSV", {"sql": _escaped(statement.sql)})
    if kind.query_class != "READ_ONLY":
        raise _only_reads(job)
    _check_count(kind)
    tree = connection.query(b"EXPLAIN AST " + statement.sql, "TSVRaw", job.parameters).body.decode("utf-8", "replace")
    check_tree(tree, job.user, engine.table_functions)


def _escaped(sql: bytes) -> str:
    """A statement as the value of a bound parameter."""
    return sql.decode("utf-8", "replace").replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _run_in_session(engine: Engine, job: Job, work: Work, session: Session) -> Answer:
    if session.connection is None:
        session.connection = engine.connect()
    connection = session.connection
    _forget_request(connection, session)
    database = session.database
    if job.database and job.database != database:
        connection.use(job.database)
    verb = work.verb if isinstance(work, Statement) else "INSERT"
    if verb not in ("SET", "USE"):  # the settings of a request do not outlive it, those of SET do
        settings = _with_comment(job, job.settings)
        session.replaced = _current_values(connection, settings)
        connection.set_settings(settings)
    try:
        answer = _run_as_writer(connection, job, work)
        if verb == "USE":
            session.database = database = connection.text("SELECT currentDatabase()").strip()
        return answer
    finally:
        for table in job.external_tables:
            connection.text(f"DROP TEMPORARY TABLE IF EXISTS {identifier(table.name)}")
        if job.database and job.database != database:
            connection.use(database)


def _forget_request(connection: EngineConnection, session: Session) -> None:
    replaced, session.replaced = session.replaced, {}
    connection.set_settings({name: value for name, value in replaced.items() if value is not None})
    connection.reset_settings(name for name, value in replaced.items() if value is None)


def _current_values(connection: EngineConnection, names: Iterable[str]) -> dict[str, str | None]:
    """The values a session has set itself; None where it has the engine's default."""
    listed = ", ".join(quoted(name) for name in names)
    rows = connection.query(
        f"SELECT name, value FROM system.settings WHERE changed AND name IN ({listed})".encode(), "JSONCompactEachRow"
    ).body
    return {**dict.fromkeys(names), **dict(json.loads(row) for row in rows.splitlines())}


def _leaves_something(work: Work) -> bool:
    if not isinstance(work, Statement):
        return False
    return work.verb in ("SET", "USE") or (work.verb == "CREATE" and b"TEMPORARY" in work.sql.upper())


def _with_comment(job: Job, settings: Mapping[str, str]) -> dict[str, str]:
    """The settings with the query id in front of the client's log_comment, and readonly left to `only_reads`."""
    kept = {name: value for name, value in settings.items() if name != "readonly"}
    return {**kept, "log_comment": f"{job.query_id} {settings.get('log_comment', '')}".rstrip()}


def _run_as_writer(connection: EngineConnection, job: Job, work: Work) -> Answer:
    _load_external_tables(connection, job)
    if isinstance(work, Insert):
        connection.set_settings({f"param_{name}": value for name, value in job.parameters.items()})
        return Answer(b"", connection.insert(work.text.head, work.text.data_format, work.chunks))
    kind = connection.classify(work.sql)
    _check_count(kind)
    if kind.query_class == "READ_ONLY":
        return _read(connection, job, work)
    if job.only_reads:
        raise _only_reads(job)
    sql = by_query_id(work.sql, QUERY_ID_EXPRESSION) if work.verb == "KILL" else work.sql
    return connection.query(sql, job.output_format, job.parameters)


def _read(connection: EngineConnection, job: Job, statement: Statement) -> Answer:
    job.told.reads = True
    sql = statement.into(job.pipe_path, job.output_format) if job.pipe_path else statement.sql
    return connection.query(sql, job.output_format, job.parameters)


def _load_external_tables(connection: EngineConnection, job: Job) -> None:
    for table in job.external_tables:
        # null() takes the structure as a string: it cannot end the statement and begin another.
        columns = f"SELECT * FROM null({quoted(table.structure)}) LIMIT 0"
        connection.text(f"CREATE TEMPORARY TABLE {identifier(table.name)} ENGINE = Memory AS {columns}")
        connection.insert(f"INSERT INTO {identifier(table.name)}".encode(), table.data_format, [table.data])


def _check_count(kind: Classification) -> None:
    if kind.statement_count > 1:
        raise refused(Fault.SYNTAX_ERROR, "Syntax error: Multi-statements are not allowed.")


def _check_possible(statement: Statement) -> None:
    if not statement.verb:
        raise refused(Fault.SYNTAX_ERROR, "Syntax error: Empty query.")
    if statement.touches_files:
        raise refused(Fault.SUPPORT_IS_DISABLED, "INTO OUTFILE and FROM INFILE would use the server's files: refused.")
    if statement.calls_input:
        raise refused(Fault.NOT_IMPLEMENTED, "The table function input() is not offered: insert into the table itself.")


def _only_reads(job: Job) -> ClickHouseError:
    hint = " For queries over HTTP, method GET implies readonly: use POST." if job.read_only_method else ""
    return refused(Fault.READONLY, f"{job.user.name}: Cannot execute query in readonly mode.{hint}")
