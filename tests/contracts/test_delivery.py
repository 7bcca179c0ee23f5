"""What an answer of the collector means for a batch."""

import socket
from typing import NoReturn

import pytest

from tests.contracts.fake_collector import Answer, FakeCollector
from tokentally.delivery import CollectorConnection, Delivered, Outcome, Refused, TooLarge, TryAgain, read_answer


@pytest.mark.parametrize(
    ("status", "retry_after", "body", "outcome"),
    [
        (202, None, b'{"accepted": 2, "rejections": []}', Delivered()),
        (202, None, b'{"rejections": [{"index": 1, "reason": "too old"}]}', Delivered(((1, "too old"),))),
        (422, None, b'{"rejections": [{"index": 0, "reason": "too old"}]}', Delivered(((0, "too old"),))),
        (403, None, b'{"rejections": [{"index": 0, "reason": "not yours"}]}', Delivered(((0, "not yours"),))),
        (403, None, b"", Refused("HTTP 403: ")),
        (202, None, b"", Delivered()),
        (202, None, b'{"rejections": [{"index": "x"}]}', Delivered()),
        (422, None, b'{"detail": "too many events"}', Refused('HTTP 422: {"detail": "too many events"}')),
        (413, None, b"", TooLarge("HTTP 413: ")),
        (401, None, b"wrong key", Refused("HTTP 401: wrong key")),
        (400, None, b"\xff" * 400, Refused("HTTP 400: " + "\ufffd" * 300)),
        (503, "7", b"", TryAgain("HTTP 503: ", 7.0)),
        (503, "Fri, 31 Dec 1999 23:59:59 GMT", b"", TryAgain("HTTP 503: ", None)),
        (503, "-1", b"", TryAgain("HTTP 503: ", None)),
        (429, None, b"slow down", TryAgain("HTTP 429: slow down")),
        (504, None, b"", TryAgain("HTTP 504: ")),
    ],
)
def test_answers(status: int, retry_after: str | None, body: bytes, outcome: Outcome) -> None:
    assert read_answer(status, retry_after, body) == outcome


def test_a_collector_that_hangs_up_is_tried_again_on_a_new_connection() -> None:
    with FakeCollector() as collector:
        collector.answers += [Answer(202), Answer(0), Answer(202)]
        connection = CollectorConnection(collector.url, "key", timeout_seconds=5)
        first, second, third = (connection.send([b"{}"]) for _ in range(3))
        connection.close()
    assert isinstance(second, TryAgain)
    assert second.reason.startswith("RemoteDisconnected")
    assert first == third == Delivered()


def test_a_collector_that_is_not_there_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(socket, "create_connection", refuse)
    outcome = CollectorConnection("http://collector", "key", timeout_seconds=1).send([b"{}"])
    assert outcome == TryAgain("ConnectionRefusedError: nobody listens")


def test_a_name_that_no_host_can_have_does_not_raise() -> None:
    connection = CollectorConnection(f"http://{'x' * 70}.invalid", "key", timeout_seconds=1)
    assert isinstance(connection.send([b"{}"]), TryAgain)
