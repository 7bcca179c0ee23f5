"""The client: events reach the collector once each, and nothing that happens there reaches the caller."""

import logging
import os
import threading
from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.contracts.fake_collector import Answer, FakeCollector, until
from tokentally import Client, UsageEvent, uuid7
from tokentally.instants import instant_of_event_id

QUICK = {"linger_seconds": 0.01, "first_retry_seconds": 0.01, "longest_retry_seconds": 0.02}


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with FakeCollector() as collector:
        yield collector


@pytest.fixture
def client(collector: FakeCollector) -> Iterator[Client]:
    client = Client(collector.url, "key-1", **QUICK)  # type: ignore[arg-type]
    yield client
    client.close(2)


def test_an_event_arrives_as_gzip_ndjson_with_the_key(collector: FakeCollector, client: Client) -> None:
    event_id = client.record(model="gpt-4o", provider="openai", input_tokens=5, user_id=None)
    assert client.flush()
    (request,) = collector.requests
    assert request.path == "/v1/events?detail=summary"
    assert request.headers["authorization"] == "Bearer key-1"
    assert request.headers["content-type"] == "application/x-ndjson"
    assert request.headers["content-encoding"] == "gzip"
    (event,) = request.events
    assert UUID(event_id).version == 7
    assert event.keys() == {"event_id", "time", "model", "provider", "input_tokens"}, "the key decides the organization"
    assert event["event_id"] == event_id
    read = UsageEvent.model_validate({"organization": "acme", **event})
    assert read.time == instant_of_event_id(event_id)
    assert client.counts.sent == 1


def test_events_recorded_together_travel_together_in_order(collector: FakeCollector) -> None:
    client = Client(collector.url, "key-1", linger_seconds=60, batch_events=40)
    ids = [client.record(model="m") for _ in range(100)]
    assert client.flush()
    assert [len(request.events) for request in collector.requests] == [40, 40, 20]
    assert [event["event_id"] for event in collector.events] == ids
    assert client.close()


def test_all_threads_of_a_program_share_a_client(collector: FakeCollector, client: Client) -> None:
    threads = [
        threading.Thread(target=lambda: [client.record(model="m") for _ in range(50)] and None) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.flush()
    assert len({event["event_id"] for event in collector.events}) == client.counts.sent == 200


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_batch_is_tried_again_unchanged(collector: FakeCollector, client: Client, status: int) -> None:
    collector.answers += [Answer(status), Answer(status)]
    client.record(feature="search", event_id="call-1")
    assert client.flush()
    first, second, third = collector.requests
    assert first.events == second.events == third.events
    assert first.events[0]["time"].endswith("Z"), "made once, with the record"
    assert client.counts.sent == 1


def test_a_broken_connection_is_tried_again(collector: FakeCollector, client: Client) -> None:
    collector.answers += [Answer(0), Answer(202, b"not json")]
    client.record(model="m")
    assert client.flush()
    assert len(collector.requests) == 2
    assert client.counts.sent == 1


def test_retry_after_is_obeyed_up_to_the_longest_wait(collector: FakeCollector, client: Client) -> None:
    collector.answers += [Answer(503, headers={"retry-after": "3600"})]
    client.record(model="m")
    assert client.flush()
    assert client.counts.sent == 1


def test_an_event_that_the_collector_refuses_is_logged(
    collector: FakeCollector, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    collector.answers += [Answer(202, b'{"accepted": 1, "rejections": [{"index": 1, "reason": "too old"}]}')]
    client.record(model="m")
    refused = client.record(model="m")
    assert client.flush()
    assert (client.counts.sent, client.counts.rejected) == (1, 1)
    assert f"usage event {refused} refused by the collector: too old" in caplog.messages


def test_an_invalid_event_is_logged_and_not_sent(
    collector: FakeCollector, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.record(model="m", input_tokens=-1, tokens=3) == ""
    assert client.record() == ""
    assert client.flush()
    assert collector.requests == []
    assert client.counts.rejected == 2
    assert caplog.messages == [
        "usage event refused: input_tokens: Input should be greater than or equal to 0; "
        "unknown field tokens: facts of your own go into metadata",
        "usage event refused: nothing used: give a model, a feature or quantities",
    ]


def test_a_field_that_cannot_even_be_read_does_not_raise(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert client.record(model="m", event_id=Broken()) == ""
    assert client.record(model="\ud800") == ""
    assert client.counts.rejected == 2


def test_a_batch_too_large_is_halved_until_it_passes(collector: FakeCollector) -> None:
    client = Client(collector.url, "key-1", linger_seconds=60)
    collector.answers += [Answer(413), Answer(413)]
    ids = [client.record(model="m") for _ in range(4)]
    assert client.flush()
    assert [len(request.events) for request in collector.requests] == [4, 2, 1, 1, 2]
    assert [event["event_id"] for event in collector.requests[2].events] == ids[:1]
    assert client.counts.sent == 4
    client.close()


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_a_refused_batch_is_dropped_and_counted(
    collector: FakeCollector, client: Client, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    collector.answers += [Answer(status, b"no"), Answer(status, b"no")]
    for _ in range(2):
        client.record(model="m")
        assert client.flush()
    assert client.counts.dropped == 2
    assert caplog.messages == [f"usage events are dropped: the collector refused them: HTTP {status}: no"], "once"


def test_a_full_queue_drops_counts_and_logs_once(collector: FakeCollector, caplog: pytest.LogCaptureFixture) -> None:
    client = Client(collector.url, "key-1", linger_seconds=60, max_queued_events=3)
    ids = [client.record(model="m") for _ in range(5)]
    assert all(ids)
    assert client.counts.dropped == 2
    assert client.close()
    assert [event["event_id"] for event in collector.events] == ids[:3]
    assert caplog.messages == [
        "usage events are dropped: the queue is full or the client is closed",
        "2 usage events were dropped in all",
    ]


def test_the_queue_is_bounded_by_bytes_too(collector: FakeCollector) -> None:
    client = Client(collector.url, "key-1", linger_seconds=60, max_queued_bytes=2_000)
    for _ in range(3):
        client.record(model="m", metadata={"a": "x" * 500, "b": "x" * 300})
    assert client.counts.dropped == 1
    assert client.close()
    assert client.counts.sent == 2


def test_close_gives_up_in_time_and_counts_what_is_left(
    collector: FakeCollector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.answers += [Answer(503)]
    client = Client(collector.url, "key-1", first_retry_seconds=30)
    client.record(model="m")
    client.record(model="m")
    assert not client.flush(0.05)
    assert not client.close(0.05)
    assert client.counts.dropped == 2
    assert "usage events are dropped: the client was closed before they were sent" in caplog.messages
    client.record(model="m")
    assert client.counts.dropped == 3, "a closed client takes nothing"
    assert client.flush(0.05) is False


def test_a_forked_child_sends_its_own_events_and_not_its_parents(collector: FakeCollector) -> None:
    client = Client(collector.url, "key-1", linger_seconds=60, exit_seconds=1)
    parents = client.record(model="parent")
    child = os.fork()
    if child == 0:
        client.record(model="child")
        os._exit(0 if client.flush(5) and client.counts.sent == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [event["model"] for event in collector.events] == ["child"]
    assert client.close()
    assert [event["event_id"] for event in collector.events][1:] == [parents]


def test_a_version_7_id_of_the_caller_keeps_its_own_time(collector: FakeCollector, client: Client) -> None:
    client.record(model="m", event_id=uuid7(1_700_000_000_123))
    client.record(model="m", event_id="call-1", time="2026-03-01T09:30:00Z", organization="acme")
    assert until(lambda: len(collector.events) == 2)
    first, second = collector.events
    read = UsageEvent.model_validate({"organization": "acme", **first})
    assert read.time.timestamp() == pytest.approx(1_700_000_000.123)
    assert (second["time"], second["organization"]) == ("2026-03-01T09:30:00.000Z", "acme")


@pytest.mark.parametrize(
    ("url", "key"),
    [("", "k"), ("collector:8701", "k"), ("ftp://host", "k"), ("http://host:port", "k"), ("http://host", "")],
)
def test_an_address_or_key_that_cannot_work_is_refused_at_once(url: str, key: str) -> None:
    with pytest.raises(ValueError, match=r"collector's|Port"):
        Client(url, key)


def test_the_key_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ValueError, match="the collector's key") as refused:
        Client("http://host", "secret\n")
    assert "secret" not in str(refused.value)
