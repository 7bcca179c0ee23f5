"""A collector on a log in memory, called as an ASGI server would call it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from producers.collector.app import CollectorApp
from producers.collector.event_log import Record
from producers.collector.fake_log import FakeLog
from producers.collector.settings import CollectorSettings
from producers.envelopes.envelope import decode_envelope
from producers.keys.store import KeyStore

UUID7 = "01936f5e-7a10-7abc-8def-0123456789ab"


def event(number: int = 0, **fields: Any) -> dict[str, Any]:
    """A valid event without an organization."""
    return {
        "event_id": f"e{number}",
        "time": "2026-03-01T09:30:00Z",
        "model": "gpt-4o",
        "input_tokens": number,
    } | fields


def ndjson(*events: dict[str, Any] | bytes) -> bytes:
    return b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in events)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Collector:
    """settings: other values than those of the tests. `key` is bound to acme, `any_key` to no organization."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.settings = CollectorSettings(home=home, **({"collector_linger_ms": 1} | settings))
        self.keys = KeyStore(self.settings.keys_file)
        self.acme, self.key = self.keys.create("acme", "acme", ["ingest"])
        self.everyone, self.any_key = self.keys.create("all", None, ["ingest", "read"])
        self.log = FakeLog()
        self.app = CollectorApp(self.settings, self.keys, self.log)

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Runs the scenario between the application's start and its end."""
        asyncio.run(self._lived(scenario))
        assert self.log.closed

    async def _lived(self, scenario: Callable[[], Awaitable[None]]) -> None:
        inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        outbox: asyncio.Queue[Any] = asyncio.Queue()
        life = asyncio.create_task(self.app({"type": "lifespan"}, inbox.get, outbox.put))
        inbox.put_nowait({"type": "lifespan.startup"})
        assert (await outbox.get())["type"] == "lifespan.startup.complete"
        try:
            await asyncio.wait_for(scenario(), 30)
        finally:
            inbox.put_nowait({"type": "lifespan.shutdown"})
            await life

    async def request(
        self,
        method: str,
        path: str,
        chunks: Iterable[bytes] = (b"",),
        headers: dict[str, str] | None = None,
        *,
        complete: bool = True,
    ) -> Answer:
        """One request. complete False: the sender goes away before the end of its body."""
        path, _, query = path.partition("?")
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
        ] + [{"type": "http.request", "body": b"", "more_body": False} if complete else {"type": "http.disconnect"}]
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else await asyncio.Future()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        }
        await self.app(scope, receive, send)
        if not sent:
            return Answer(0, {}, b"")
        start, body = sent
        named = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], named, body["body"])

    async def post(
        self, body: bytes, content_type: str = "", *, query: str = "", key: str | None = None, **headers: str
    ) -> Answer:
        """Events by the key of acme, or another."""
        sent = {"authorization": f"Bearer {key or self.key}"} | {n.replace("_", "-"): v for n, v in headers.items()}
        if content_type:
            sent["content-type"] = content_type
        return await self.request("POST", "/v1/events" + query, [body], sent)

    def records(self) -> list[Record]:
        return self.log.topic(self.settings.events_topic)

    def stored(self) -> list[dict[str, Any]]:
        """The rows of all envelopes, in the order of the log."""
        rows = []
        for record in self.records():
            decoded = decode_envelope(record.value, record.content_type)
            assert decoded.rejected == []
            rows += decoded.frame.to_dicts()
        return rows

    def refused(self) -> list[dict[str, Any]]:
        """The records of the topic of refusals."""
        return [json.loads(record.value) for record in self.log.topic(self.settings.rejected_topic)]
