"""The client sends NDJSON, waits when it is asked to, gives up in the end, and says what to correct."""

import json
from collections.abc import Callable

import httpx
import pytest
import zstandard

from producers.importers.collector_client import HttpCollector
from producers.importers.errors import CollectorRefused, CollectorUnavailable

EVENTS: list[dict[str, object]] = [{"event_id": str(number)} for number in range(4)]


def collector(answer: Callable[[httpx.Request], httpx.Response], waits: list[float]) -> HttpCollector:
    return HttpCollector(
        "http://collector.test/",
        "secret",
        patience_seconds=60,
        transport=httpx.MockTransport(answer),
        sleep=waits.append,
    )


def accepted(request: httpx.Request) -> httpx.Response:
    count = len(zstandard.ZstdDecompressor().decompress(request.content).splitlines())
    return httpx.Response(202, json=summary(count))


def summary(count: int) -> dict[str, object]:
    return {
        "accepted": count - 1,
        "rejected": 1,
        "rejections": [{"index": 0, "event_id": "0", "reason": "no"}],
        "positions": {"3": {"first_offset": 5, "last_offset": 7, "events": count - 1}},
    }


def test_a_batch_is_one_compressed_request_with_the_key() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return accepted(request)

    with collector(answer, []) as client:
        receipt = client.send(EVENTS)
    (request,) = seen
    assert str(request.url) == "http://collector.test/v1/events?detail=summary"
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["content-encoding"] == "zstd"
    lines = zstandard.ZstdDecompressor().decompress(request.content).splitlines()
    assert [json.loads(line) for line in lines] == EVENTS
    assert (receipt.accepted, receipt.rejections, receipt.positions) == (3, [(0, "no")], {3: 7})


def test_it_comes_back_when_the_collector_says() -> None:
    answers = [
        httpx.Response(503, headers={"retry-after": "2"}),
        httpx.Response(429, headers={"retry-after": "600"}),
        httpx.Response(503),
    ]
    waits: list[float] = []
    with collector(lambda request: answers.pop(0) if answers else accepted(request), waits) as client:
        assert client.send(EVENTS).accepted == 3
    assert waits[:2] == [2.0, 30.0]
    assert 0 <= waits[2] <= 30


def test_it_tries_again_when_the_connection_breaks() -> None:
    failures = [httpx.ConnectError("refused"), httpx.ReadTimeout("slow")]

    def answer(request: httpx.Request) -> httpx.Response:
        if failures:
            raise failures.pop()
        return accepted(request)

    with collector(answer, []) as client:
        assert client.send(EVENTS).accepted == 3


def test_it_gives_up_after_its_patience() -> None:
    busy = httpx.MockTransport(lambda _: httpx.Response(503, text="Kafka is away"))
    with (
        HttpCollector("http://collector.test", "k", patience_seconds=0, transport=busy) as client,
        pytest.raises(
            CollectorUnavailable, match=r"http://collector.test does not take events: HTTP 503: Kafka is away"
        ),
    ):
        client.send(EVENTS)


def test_a_batch_that_is_too_large_is_halved() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        lines = zstandard.ZstdDecompressor().decompress(request.content).splitlines()
        return httpx.Response(413, text="too large") if len(lines) > 2 else accepted(request)

    with collector(answer, []) as client:
        receipt = client.send(EVENTS)
    assert receipt.accepted == 2
    assert receipt.rejections == [(0, "no"), (2, "no")]


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (httpx.Response(401, json={"error": {"message": "unknown key"}}), "HTTP 401: unknown key"),
        (httpx.Response(422, json={"error": {"message": "not JSON"}}), "HTTP 422: not JSON"),
        (httpx.Response(404, text="no such page"), "HTTP 404: no such page"),
        (httpx.Response(413, text="too large"), "one event as too large"),
        (httpx.Response(200, text="<html>hello"), "HTTP 200: <html>hello"),
    ],
)
def test_what_repeating_cannot_change_is_named(response: httpx.Response, problem: str) -> None:
    with collector(lambda _: response, []) as client, pytest.raises(CollectorRefused, match=problem):
        client.send(EVENTS[:1])


def test_a_batch_without_one_good_event_is_still_a_receipt() -> None:
    content = summary(1) | {"positions": {}, "error": {"message": "none of the events can be accepted"}}
    with collector(lambda _: httpx.Response(422, json=content), []) as client:
        assert client.send(EVENTS[:1]).rejections == [(0, "no")]
