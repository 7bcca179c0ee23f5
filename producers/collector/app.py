"""The collector over HTTP: raw ASGI, because here every microsecond is paid per request."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from producers.collector.event_log import EventLog
from producers.collector.metrics import CollectorMetrics
from producers.collector.refusals import Response, json_response, refused, response_to
from producers.collector.room import Room, Share
from producers.collector.service import Body, EventService
from producers.collector.settings import CollectorSettings
from producers.errors import NotAllowed, NoValidKey, ProducerError, TooLarge, Unreadable
from producers.keys.api_key import ApiKey, Scope
from producers.keys.store import KeyStore

log = structlog.get_logger()

Scope_ = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]


class SenderGone(Exception):
    """The connection ended before the body did: there is nobody to answer."""


class CollectorApp:
    """The ASGI application. Its lifespan starts the log, and at the end waits for what was accepted."""

    def __init__(self, settings: CollectorSettings, keys: KeyStore, event_log: EventLog) -> None:
        self._settings = settings
        self._keys = keys
        self._log = event_log
        self._metrics = CollectorMetrics()
        self._room = Room(settings.collector_max_in_flight_bytes, self._metrics.in_flight_bytes)
        self._pool = ThreadPoolExecutor(settings.collector_threads, "decode")
        self._service = EventService(settings, event_log, self._pool, self._metrics)

    async def __call__(self, scope: Scope_, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                response = await self._respond(scope, receive)
            except SenderGone:
                return
            await _send(response, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._log.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._service.drain()
        await self._log.close()
        self._pool.shutdown()
        log.info("everything accepted is stored; the collector ends")
        await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, scope: Scope_, receive: Receive) -> Response:
        match scope["method"], scope["path"]:
            case "POST", "/v1/events":
                response = await self._events(scope, receive)
                self._metrics.responses.labels(str(response.status)).inc()
                return response
            case "GET", "/health":
                return json_response(200, {"status": "up"})
            case "GET", "/ready":
                return self._ready()
            case "GET", "/metrics":
                return Response(200, generate_latest(self._metrics.registry), CONTENT_TYPE_LATEST.encode())
            case _, "/v1/events":
                return refused(405, "method_not_allowed", "usage events are sent with POST", allow="POST")
            case _, "/health" | "/ready" | "/metrics":
                return refused(405, "method_not_allowed", "this address is read with GET", allow="GET")
            case _:
                return refused(404, "not_found", "unknown address; usage events go to POST /v1/events")

    async def _events(self, scope: Scope_, receive: Receive) -> Response:
        headers: Headers = dict(scope["headers"])
        try:
            summary = _wants_summary(scope["query_string"])
            key = self._key(headers)
            self._service.require_kafka()
            with self._room.share() as share:
                body = Body(
                    await self._body(headers, receive, share),
                    _text(headers, b"content-type"),
                    _text(headers, b"content-encoding").strip().lower().removeprefix("identity"),
                )
                return await self._service.receive(body, key, share, summary=summary)
        except TimeoutError:
            limit = self._settings.collector_body_seconds
            return refused(408, "too_slow", f"the body did not arrive within {limit:g} seconds", connection="close")
        except ProducerError as problem:
            return response_to(problem)
        except SenderGone:
            raise
        except Exception:
            log.exception("a request failed")
            return refused(500, "internal", "the collector failed; sending the same again is safe")

    def _key(self, headers: Headers) -> ApiKey:
        secret = _text(headers, b"x-api-key")
        kind, _, bearer = _text(headers, b"authorization").partition(" ")
        if kind.lower() == "bearer":
            secret = bearer.strip()
        if not secret:
            raise NoValidKey("no key was sent: send the header Authorization: Bearer KEY")
        key = self._keys.authenticate(secret)
        if key is None:
            raise NoValidKey("the key is unknown or revoked; ./tally keys list shows those that are valid")
        if Scope.INGEST not in key.scopes:
            raise NotAllowed("this key lacks the scope ingest; ./tally keys create makes one that has it")
        return key

    async def _body(self, headers: Headers, receive: Receive, share: Share) -> bytes:
        announced = _text(headers, b"content-length")
        if announced.isdigit():
            self._check_size(int(announced))
        chunks: list[bytes] = []
        length = 0
        async with asyncio.timeout(self._settings.collector_body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise SenderGone
                chunk: bytes = message.get("body", b"")
                length += len(chunk)
                self._check_size(length)
                share.grow(len(chunk))
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _check_size(self, size: int) -> None:
        limit = self._settings.collector_max_body_bytes
        if size > limit:
            raise TooLarge(f"the body is larger than {limit} bytes: send several requests")

    def _ready(self) -> Response:
        problems = [reason for reason in (self._log.unavailable(), self._key_problem()) if reason]
        if problems:
            return refused(503, "not_ready", "; ".join(problems), retry_after="2")
        return json_response(200, {"status": "ready"})

    def _key_problem(self) -> str | None:
        try:
            self._keys.check()
        except ProducerError as problem:
            return str(problem)
        return None


def _wants_summary(query: bytes) -> bool:
    if not query:
        return False
    detail = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("detail", ["full"])[-1]
    if detail not in ("full", "summary"):
        raise Unreadable("detail must be full or summary")
    return detail == "summary"


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


async def _send(response: Response, send: Send) -> None:
    headers = [
        (b"content-type", response.content_type),
        (b"content-length", str(len(response.body)).encode()),
        *response.headers,
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
