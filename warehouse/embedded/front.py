"""One request on `/`: signed in, read, run in a worker thread, answered and logged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from starlette.types import Receive, Scope, Send

from warehouse.embedded.answer import AnswerBroken, Response
from warehouse.embedded.body import Body, ClientGone
from warehouse.embedded.compression import decoded
from warehouse.embedded.engine import Answer, Engine, QueryStats
from warehouse.embedded.errors import ClickHouseError, Fault
from warehouse.embedded.execution import ExternalTable, Job, Told, run
from warehouse.embedded.form import is_form, read_form
from warehouse.embedded.handshake import Handshakes, KeptAnswer, Key
from warehouse.embedded.lanes import Lanes
from warehouse.embedded.pipe import ResultPipe
from warehouse.embedded.query_log import LoggedQuery, QueryLog
from warehouse.embedded.request import Request, check_supported, credentials, read_request
from warehouse.embedded.running import RunningQueries
from warehouse.embedded.sessions import Session, Sessions, session_timeout_seconds
from warehouse.embedded.settings import EmbeddedSettings
from warehouse.embedded.source import Source
from warehouse.embedded.users import User, UserDirectory

_HANDSHAKE_BYTES = 300


@dataclass(slots=True)
class Exchange:
    """A request on its way to its answer, and what the log will say of it."""

    request: Request
    response: Response
    body: Body
    pipe: ResultPipe
    told: Told = field(default_factory=Told)
    user_name: str = ""
    stats: QueryStats = field(default_factory=QueryStats)
    sent_bytes: int = 0
    code: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """The session and the query id that a request holds; `release` may be called twice."""

    session: Session | None
    release: Callable[[], None]


class Front:
    """The ASGI application behind `/`. Everything but the statements themselves runs in the event loop."""

    def __init__(self, engine: Engine, users: UserDirectory, settings: EmbeddedSettings, log: QueryLog) -> None:
        self.sessions = Sessions(settings.sessions_max)
        self.lanes = Lanes(settings.threads, settings.waiting_max)
        self.running = RunningQueries(engine)
        self._engine = engine
        self._users = users
        self._log = log
        self._handshakes = Handshakes()
        self._spool_dir = settings.data_dir

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        started = time.monotonic()
        try:
            request = read_request(scope)
        except ClickHouseError as failure:
            await Response(send, self._headers(""), "").refuse(failure, self._engine.version)
            return
        response = Response(send, self._headers(request.query_id), request.accepted_encodings)
        exchange = Exchange(request, response, Body(receive), ResultPipe())
        try:
            await self._answer(exchange)
        except ClickHouseError as failure:
            exchange.code = failure.code
            await response.refuse(failure, self._engine.version)
        except ClientGone:
            exchange.code = Fault.ABORTED
        except AnswerBroken as failure:
            exchange.code = failure.code
        finally:
            exchange.pipe.close()
            self._write_log(exchange, (time.monotonic() - started) * 1000)

    def _headers(self, query_id: str) -> dict[str, str]:
        return {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Timezone": self._engine.timezone,
            "X-ClickHouse-Server-Display-Name": "tokentally-embedded",
        }

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        exchange.user_name, password = credentials(request)
        user = self._users.sign_in(exchange.user_name, password)
        check_supported(request)
        if request.method == "GET" and not request.sql:
            await exchange.response.whole(200, b"Ok.\n")
            return
        with self._hold(user, request) as hold:
            await self._answer_in(hold, user, exchange)

    @contextmanager
    def _hold(self, user: User, request: Request) -> Iterator[Hold]:
        session, timeout_seconds = None, 0.0
        session_id = request.parameters.get("session_id")
        if session_id:
            timeout_seconds = session_timeout_seconds(request.parameters.get("session_timeout"))
            must_exist = request.parameters.get("session_check") == "1"
            session = self.sessions.acquire(user.name, session_id, must_exist=must_exist, now=time.monotonic())
        with ExitStack() as releases:
            if session is not None:
                releases.callback(self._release, session, timeout_seconds)
            self.running.enter(request.query_id)
            releases.callback(self.running.leave, request.query_id)
            yield Hold(session, releases.close)

    def _release(self, session: Session, timeout_seconds: float) -> None:
        self.sessions.release(session, timeout_seconds=timeout_seconds, now=time.monotonic())

    async def _answer_in(self, hold: Hold, user: User, exchange: Exchange) -> None:
        job = await self._job(hold.session, user, exchange)
        key = self._handshake_key(job, exchange)
        kept = self._handshakes.get(key)
        if kept is not None:
            hold.release()
            exchange.sent_bytes = await exchange.response.kept(kept.answer.body, kept.answer.stats, kept.output_format)
            return
        answer = await self._run(job if key is None else replace(job, pipe_path=None), hold, exchange)
        exchange.stats = answer.stats
        if key is not None:
            self._handshakes.keep(key, KeptAnswer(answer, exchange.told.output_format))

    async def _job(self, session: Session | None, user: User, exchange: Exchange) -> Job:
        request, body = exchange.request, exchange.body
        text, bound = request.sql, request.bound
        tables: tuple[ExternalTable, ...] = ()
        if is_form(request.headers.get("content-type", "")):
            form = await read_form(request.headers["content-type"], body, request.parameters)
            text, bound, tables = text + form.sql, {**bound, **form.bound}, form.external_tables
        else:
            await body.prefetch()
        encoding = request.headers.get("content-encoding", "").strip().lower()
        return Job(
            user=user,
            query_id=request.query_id,
            source=Source(text, decoded(encoding, body.chunks()), request.input_format),
            output_format=request.output_format,
            told=exchange.told,
            pipe_path=exchange.pipe.path,
            read_only_method=request.method == "GET",
            database=request.database,
            settings=request.settings(tuple(table.name for table in tables)),
            parameters=bound,
            external_tables=tables,
            session=session,
        )

    def _handshake_key(self, job: Job, exchange: Exchange) -> Key | None:
        body = exchange.body
        is_plain = body.complete and "content-encoding" not in exchange.request.headers
        is_short = len(job.source.text) + sum(map(len, body.head)) <= _HANDSHAKE_BYTES
        in_session = job.session is not None and job.session.connection is not None
        if not is_plain or not is_short or in_session or job.external_tables:
            return None
        return self._handshakes.key(job, self._users.generation, job.source.text + b"".join(body.head))

    async def _run(self, job: Job, hold: Hold, exchange: Exchange) -> Answer:
        """Runs the job and sends its answer. Raises ClientGone when there is nobody left to send it to."""
        pipe, told, request = exchange.pipe, exchange.told, exchange.request

        def work() -> Answer:
            try:
                return run(self._engine, job)
            finally:
                pipe.close_writer()

        ticket = self.lanes.of(job.user.profile).submit(work)
        # Before the last byte is sent: the client's next request may use the session at once.
        ticket.outcome.add_done_callback(lambda _: hold.release())
        wait = self._spool_dir if request.waits_for_end else None
        sending = asyncio.create_task(
            exchange.response.statement(pipe, ticket.outcome, told, wait, self._engine.version)
        )
        gone = asyncio.create_task(exchange.body.client_gone())
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                sending.cancel()
                await asyncio.wait({sending})
                pipe.close_reader()
                raise ClientGone
            exchange.sent_bytes = sending.result()
            return ticket.outcome.result()
        finally:
            gone.cancel()
            await self.running.cancel(job.query_id, ticket, told)

    def _write_log(self, exchange: Exchange, duration_ms: float) -> None:
        self._log.write(
            LoggedQuery(
                query_id=exchange.request.query_id,
                user=exchange.user_name,
                sql=exchange.told.sql,
                duration_ms=duration_ms,
                stats=exchange.stats,
                sent_bytes=exchange.sent_bytes,
                code=int(exchange.code),
            )
        )
