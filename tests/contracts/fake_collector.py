"""A collector for tests: a real HTTP server that keeps what it gets and answers as told."""

import gzip
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

ALL_ACCEPTED = b'{"accepted": 1, "rejections": [], "positions": {}}'


@dataclass(frozen=True)
class Answer:
    """One answer; status 0 closes the connection without a word."""

    status: int
    body: bytes = ALL_ACCEPTED
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One request as it came, its events unpacked; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    events: list[dict[str, Any]]


class FakeCollector:
    """Listens on a free port; gives `answers` in turn, then 202 for everything."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for request in self.requests for event in request.events]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                events = [json.loads(line) for line in gzip.decompress(body).splitlines()]
                answer = collector.answers.pop(0) if collector.answers else Answer(202)
                collector.requests.append(Request(self.path, headers, events))
                if answer.status == 0:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("content-length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: Any) -> None:
                """Requests are kept, not printed."""

        return Handler

    def __enter__(self) -> "FakeCollector":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def until(condition: Callable[[], bool], deadline_seconds: float = 5.0) -> bool:
    """Waits for the condition; False when the deadline passes first."""
    end = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.01)
    return True
