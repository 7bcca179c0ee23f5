"""Requests that cannot be taken: each kind has its own clear answer, and nothing is stored by halves."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest
import zstandard

from tests.producers.collector.harness import Collector, event, ndjson


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    return Collector(tmp_path)


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "expected"),
    [
        (b"", "", "", "no events were sent"),
        (b" \n\n", "application/x-ndjson", "", "no events were sent"),
        (b"[]", "application/json", "", "no events were sent"),
        (b"hello", "", "", "the body is not JSON"),
        (b"hello", "application/json", "", "the body is not JSON"),
        (b"hello\nworld", "application/x-ndjson", "", "the body is not JSON"),
        (b"\xff\xfe{}", "", "", "the body is not JSON"),
        (b'[{"event_id": 1}, ', "application/json", "", "the JSON array cannot be read"),
        (b"[" * 100_000, "application/json", "", "the JSON array cannot be read"),
        (ndjson(event(1), event(2)), "application/json", "", "the body is not JSON"),
        (b"<a/>", "text/xml", "", "unknown Content-Type 'text/xml'"),
        (b"{}", "", "br", "unknown Content-Encoding 'br'"),
        (b"{}", "", "gzip", "gzip data cannot be read"),
        (gzip.compress(b"{}" * 999, mtime=0)[:-3], "", "gzip", "gzip data is cut off"),
        (zstandard.compress(b"{}" * 999)[:-3], "", "zstd", "zstd data"),
    ],
)
def test_unreadable_bodies(collector: Collector, body: bytes, content_type: str, encoding: str, expected: str) -> None:
    async def scenario() -> None:
        headers = {"content_encoding": encoding} if encoding else {}
        answer = await collector.post(body, content_type, **headers)
        assert answer.status == 400
        assert answer.json["error"]["code"] == "unreadable"
        assert expected in answer.json["error"]["message"]
        assert collector.log.records == {}

    collector.run(scenario)


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_bombs_and_large_bodies_are_refused_with_the_limit(collector: Collector, compress: object) -> None:
    async def scenario() -> None:
        assert callable(compress)
        kind = "gzip" if compress is gzip.compress else "zstd"
        bomb = await collector.post(compress(b" " * 10_000_001), content_encoding=kind)
        assert bomb.status == 413
        assert "10000000 bytes" in bomb.json["error"]["message"]
        large = await collector.post(b" " * 10_000_001)
        assert (large.status, large.json["error"]["code"]) == (413, "too_large")
        assert "10000000 bytes" in large.json["error"]["message"]

    collector.run(scenario)


def test_an_announced_length_is_believed_before_anything_is_read(collector: Collector) -> None:
    async def scenario() -> None:
        answer = await collector.post(b"{}", content_length="10000001")
        assert answer.status == 413

    collector.run(scenario)


def test_too_many_events_are_refused_with_the_limit(collector: Collector) -> None:
    async def scenario() -> None:
        for body in (b"{}\n" * 10_001, b"[" + b",".join([b"{}"] * 10_001) + b"]"):
            answer = await collector.post(body)
            assert answer.status == 413
            assert "at most 10000" in answer.json["error"]["message"]

    collector.run(scenario)


def test_keys_are_required(collector: Collector) -> None:
    async def scenario() -> None:
        body = [ndjson(event(1))]
        for headers in ({}, {"authorization": "Bearer tally_x"}, {"authorization": "Basic eA=="}, {"x-api-key": "no"}):
            answer = await collector.request("POST", "/v1/events", body, headers)
            assert answer.status == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        answer = await collector.request("POST", "/v1/events", body, {"x-api-key": collector.key})
        assert answer.status == 202
        _, reader = collector.keys.create("reader", "acme", ["read"])
        answer = await collector.post(body[0], key=reader)
        assert answer.status == 403
        assert "scope ingest" in answer.json["error"]["message"]
        collector.keys.revoke(collector.acme.id)
        assert (await collector.post(body[0])).status == 401
        assert len(collector.stored()) == 1

    collector.run(scenario)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1/events", 405, "POST"),
        ("PUT", "/v1/events", 405, "POST"),
        ("POST", "/health", 405, "GET"),
        ("GET", "/v1/other", 404, None),
        ("POST", "/", 404, None),
    ],
)
def test_other_addresses(collector: Collector, method: str, path: str, status: int, allow: str | None) -> None:
    async def scenario() -> None:
        answer = await collector.request(method, path)
        assert answer.status == status
        assert answer.headers.get("allow") == allow
        assert set(answer.json["error"]) == {"code", "message"}

    collector.run(scenario)


def test_an_unknown_detail_is_refused(collector: Collector) -> None:
    async def scenario() -> None:
        answer = await collector.post(ndjson(event(1)), query="?detail=none")
        assert answer.status == 400
        assert collector.log.records == {}

    collector.run(scenario)


def test_while_kafka_is_away_nothing_is_taken(collector: Collector) -> None:
    async def scenario() -> None:
        collector.log.away = "no broker"
        answer = await collector.post(ndjson(event(1)))
        assert answer.status == 503
        assert answer.headers["retry-after"] == "2"
        assert answer.json["error"]["code"] == "kafka_unavailable"
        assert "no broker" in answer.json["error"]["message"]
        assert (await collector.request("GET", "/ready")).status == 503
        assert (await collector.request("GET", "/health")).status == 200
        collector.log.away = None
        assert (await collector.post(ndjson(event(1)))).status == 202
        assert (await collector.request("GET", "/ready")).status == 200

    collector.run(scenario)


def test_e17_what_was_sent_again_after_a_first_try_that_failed_is_stored(collector: Collector) -> None:
    async def scenario() -> None:
        collector.log.failing_partitions = set(range(64))
        assert (await collector.post(ndjson(event(1)))).status == 503
        collector.log.failing_partitions = set()
        answers = [await collector.post(ndjson(event(1))) for _ in range(2)]
        assert [answer.status for answer in answers] == [202, 202]
        assert len(collector.stored()) == 2

    collector.run(scenario)


def test_a_request_of_which_kafka_has_a_part_is_not_accepted_by_halves(collector: Collector) -> None:
    async def scenario() -> None:
        collector.log.failing_partitions = {0, 1, 2, 3}
        events = [event(number, organization=f"org{number}") for number in range(40)]
        answer = await collector.post(ndjson(*events), key=collector.any_key)
        assert answer.status == 503
        assert answer.headers["retry-after"] == "2"
        statuses = {told["status"] for told in answer.json["events"]}
        assert statuses == {"accepted", "unacknowledged"}
        assert answer.json["accepted"] == len(collector.stored())
        summary = await collector.post(ndjson(*events), query="?detail=summary", key=collector.any_key)
        assert summary.status == 503
        assert summary.json["accepted"] + summary.json["unacknowledged"] == 40

    collector.run(scenario)


def test_refusals_that_could_not_be_kept_make_the_request_fail(collector: Collector) -> None:
    async def scenario() -> None:
        collector.log.failing_topics = {"usage.rejected"}
        assert (await collector.post(ndjson(event(1), event(2, model="")))).status == 503
        assert (await collector.post(ndjson(event(2, model="")))).status == 503

    collector.run(scenario)


def test_the_answer_waits_for_kafka(collector: Collector) -> None:
    async def scenario() -> None:
        collector.log.held = True
        asked = asyncio.create_task(collector.post(ndjson(event(1), event(2, model=""))))
        await collector.log.until_held(2)
        assert not asked.done()
        collector.log.release()
        assert (await asked).status == 202

    collector.run(scenario)


def test_bytes_in_flight_are_bounded(tmp_path: Path) -> None:
    collector = Collector(tmp_path, collector_max_in_flight_bytes=1_000)

    async def scenario() -> None:
        collector.log.held = True
        first = asyncio.create_task(collector.post(ndjson(event(1, prompt_preview="x" * 450))))
        await collector.log.until_held(1)
        answer = await collector.post(ndjson(event(2, prompt_preview="x" * 450)))
        assert (answer.status, answer.json["error"]["code"]) == (503, "busy")
        assert answer.headers["retry-after"] == "2"
        collector.log.release()
        assert (await first).status == 202
        assert (await collector.post(ndjson(event(2, prompt_preview="x" * 450)))).status == 202

    collector.run(scenario)


def test_a_slow_body_is_given_up(tmp_path: Path) -> None:
    collector = Collector(tmp_path, collector_body_seconds=0.05)

    async def scenario() -> None:
        async def never() -> dict[str, object]:
            return await asyncio.Future()

        sent: list[dict[str, object]] = []

        async def send(message: object) -> None:
            assert isinstance(message, dict)
            sent.append(message)

        headers = [(b"authorization", f"Bearer {collector.key}".encode())]
        scope = {"type": "http", "method": "POST", "path": "/v1/events", "query_string": b"", "headers": headers}
        await collector.app(scope, never, send)
        assert sent[0]["status"] == 408

    collector.run(scenario)


def test_a_sender_that_goes_away_leaves_nothing(collector: Collector) -> None:
    async def scenario() -> None:
        headers = {"authorization": f"Bearer {collector.key}"}
        gone = await collector.request("POST", "/v1/events", [ndjson(event(1))[:20]], headers, complete=False)
        assert gone.status == 0
        assert collector.log.records == {}
        metrics = (await collector.request("GET", "/metrics")).body.decode()
        assert "tally_collector_in_flight_bytes 0.0" in metrics

    collector.run(scenario)


def test_what_was_accepted_is_finished_at_the_end(tmp_path: Path) -> None:
    collector = Collector(tmp_path, collector_linger_ms=100)
    asked: list[asyncio.Task[object]] = []

    async def scenario() -> None:
        asked.append(asyncio.create_task(collector.post(ndjson(event(1)))))
        await asyncio.sleep(0)

    collector.run(scenario)
    assert len(collector.stored()) == 1


def test_metrics_tell_what_happened(collector: Collector) -> None:
    async def scenario() -> None:
        await collector.post(ndjson(event(1), event(2), event(3, model=""), b"?"))
        text = (await collector.request("GET", "/metrics")).body.decode()
        assert "tally_collector_events_total 2.0" in text
        assert 'tally_collector_rejected_total{reason="invalid"} 1.0' in text
        assert 'tally_collector_rejected_total{reason="not_json"} 1.0' in text
        assert 'tally_collector_responses_total{status="202"} 1.0' in text
        assert 'tally_collector_envelopes_total{outcome="acknowledged"} 1.0' in text

    collector.run(scenario)


def test_keys_that_cannot_be_read_are_not_ready(collector: Collector) -> None:
    async def scenario() -> None:
        collector.keys.close()
        collector.settings.keys_file.unlink()
        collector.settings.keys_file.mkdir()
        answer = await collector.request("GET", "/ready")
        assert answer.status == 503
        assert "keys" in json.loads(answer.body)["error"]["message"]

    collector.run(scenario)
