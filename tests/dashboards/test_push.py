"""Pushing: what Superset is sent, when it is tried again and when it is skipped. Superset is a small server here."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dashboards.errors import SupersetRefused, SupersetUnavailable
from dashboards.push import push
from dashboards.superset_home import SupersetHome
from warehouse.settings import WarehouseSettings


class FakeSuperset(ThreadingHTTPServer):
    """Answers as Superset does; `failures` are the status codes of the next imports."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.imports: list[bytes] = []
        self.failures: list[int] = []


class Answers(BaseHTTPRequestHandler):
    server: FakeSuperset

    def do_GET(self) -> None:
        self._answer(200, {"result": "csrf"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/v1/security/login":
            right = json.loads(body)["password"] == "admin-password"
            return self._answer(200 if right else 401, {"access_token": "token"})
        assert (self.path, self.headers["X-CSRFToken"]) == ("/api/v1/assets/import/", "csrf")
        assert self.headers["Authorization"] == "Bearer token"
        self.server.imports.append(body)
        return self._answer(self.server.failures.pop(0) if self.server.failures else 200, {"message": "said"})

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def _answer(self, status: int, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def superset() -> Iterator[FakeSuperset]:
    with FakeSuperset() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path: Path, superset: FakeSuperset) -> SupersetHome:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/superset_admin").write_text("admin-password\n")
    url = f"http://127.0.0.1:{superset.server_port}"
    return SupersetHome.from_environment({"TALLY_HOME": str(tmp_path), "TALLY_SUPERSET_URL": url})


@pytest.fixture
def warehouse() -> WarehouseSettings:
    return at("http://ch.example:8123", "secret")


def at(url: str, password: str) -> WarehouseSettings:
    return WarehouseSettings.model_validate({"url": url, "user": "superset", "password": password})


def test_the_assets_and_the_password_are_sent_once(
    superset: FakeSuperset, home: SupersetHome, warehouse: WarehouseSettings
) -> None:
    assert push(home, warehouse)
    assert not push(home, warehouse)
    (body,) = superset.imports
    assert b'{"databases/Tokentally.yaml": "secret"}' in body


def test_another_place_or_password_is_pushed_again(
    superset: FakeSuperset, home: SupersetHome, warehouse: WarehouseSettings
) -> None:
    push(home, warehouse)
    assert push(home, at("http://ch.example:9123", "secret"))
    assert push(home, at("http://ch.example:9123", "other"))
    assert len(superset.imports) == 3


def test_a_superset_that_is_not_ready_is_asked_again(
    superset: FakeSuperset, home: SupersetHome, warehouse: WarehouseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboards.push.RETRY_SECONDS", 0.0)
    superset.failures = [503, 500]
    assert push(home, warehouse)
    assert len(superset.imports) == 3


def test_a_superset_that_stays_away_is_reported(
    superset: FakeSuperset, home: SupersetHome, warehouse: WarehouseSettings
) -> None:
    superset.failures = [503]
    with pytest.raises(SupersetUnavailable, match="503"):
        push(home, warehouse, deadline_seconds=-1)
    assert push(home, warehouse)


def test_refused_assets_are_reported_at_once(
    superset: FakeSuperset, home: SupersetHome, warehouse: WarehouseSettings
) -> None:
    superset.failures = [422]
    with pytest.raises(SupersetRefused, match=r"422.*said"):
        push(home, warehouse)
    assert len(superset.imports) == 1


def test_a_wrong_password_is_reported_at_once(home: SupersetHome, warehouse: WarehouseSettings) -> None:
    home.admin_password_file.write_text("wrong")
    with pytest.raises(SupersetRefused, match="login answered 401"):
        push(home, warehouse)
