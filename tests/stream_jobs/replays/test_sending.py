"""Sending again: batches of a size that is taken, answers as marks, and trouble named by what to do."""

import json
from typing import Any

import httpx
import pytest

from stream_jobs.replays import sending
from stream_jobs.replays.payloads import Payload
from stream_jobs.replays.sending import CollectorAway, CollectorRefused, Sent, batches, mark, send

TWO = [Payload("r-1", 0, b'{"a":\n 1}'), Payload("r-2", 4, b"{}")]
ACCEPTED = {"status": "accepted", "partition": 3, "offset": 17, "position": 0}


def http(*answers: httpx.Response | Exception) -> httpx.Client:
    waiting = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.content.count(b"\n") == len(TWO) - 1
        given = waiting.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return httpx.Client(transport=httpx.MockTransport(answer))


def test_every_payload_is_in_one_batch() -> None:
    made = [Payload("r", n, b"x" * 5_000) for n in range(1_201)]
    found = list(batches(made))
    assert [payload for batch in found for payload in batch] == made
    assert max(map(len, found)) <= sending.BATCH_EVENTS
    assert max(sum(len(payload.text) for payload in batch) for batch in found) <= sending.BATCH_BYTES
    assert list(batches([])) == []


def test_what_the_collector_answers_for_each_event_is_kept() -> None:
    refused = {"status": "rejected", "reason": "rating"}
    first, second = send(http(httpx.Response(202, json={"events": [ACCEPTED, refused]})), "http://c", TWO)
    assert first == Sent(TWO[0], "accepted", "", 3, 17, 0)
    assert second == Sent(TWO[1], "refused", "rating")


def test_a_collector_that_is_away_is_asked_again() -> None:
    fine = httpx.Response(202, json={"events": [ACCEPTED, ACCEPTED]})
    answers = http(httpx.ConnectError("away"), httpx.Response(503), fine)
    assert len(send(answers, "http://c", TWO)) == 2


def test_one_that_stays_away_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PATIENCE_SECONDS", 0)
    with pytest.raises(CollectorAway, match="does not answer: away"):
        send(http(httpx.ConnectError("away")), "http://c", TWO)


@pytest.mark.parametrize("answer", [httpx.Response(401, json={"error": {}}), httpx.Response(200, text="hello")])
def test_a_refusal_of_everything_is_told(answer: httpx.Response) -> None:
    with pytest.raises(CollectorRefused, match=str(answer.status_code)):
        send(http(answer), "http://c", TWO)


def test_marks_say_who_sent_what_where() -> None:
    stored: list[Any] = []

    class Client:
        def insert(self, table: str, rows: list[tuple[Any, ...]], **_options: Any) -> None:
            stored.append(table)
            stored.extend(rows)

    payload = Payload("r-1", 2, json.dumps({"organization": "acme", "event_id": "e"}).encode())
    mark(Client(), [Sent(payload, "accepted", "", 3, 17, 0)], "ada@laptop", edited=True)  # type: ignore[arg-type]
    assert stored[0] == "replays"
    assert stored[1][:2] == ("r-1", 2)
    assert stored[1][3:] == ("ada@laptop", 1, "acme", "e", "accepted", "", 3, 17, 0)
