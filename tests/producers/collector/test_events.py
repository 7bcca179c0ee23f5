"""POST /v1/events: everything that may be sent, what becomes of it, and where it is stored."""

import asyncio
import base64
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
import zstandard

from producers.envelopes.envelope import decode_envelope
from tests.producers.collector.harness import UUID7, Collector, event, ndjson
from tokentally import partition_of


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    return Collector(tmp_path)


def test_one_event_is_stored_and_its_position_told(collector: Collector) -> None:
    async def scenario() -> None:
        answer = await collector.post(json.dumps(event(7)).encode(), "application/json")
        assert answer.status == 202
        partition = partition_of("acme", 8)
        assert answer.json == {
            "accepted": 1,
            "rejected": 0,
            "events": [
                {
                    "index": 0,
                    "event_id": "e7",
                    "status": "accepted",
                    "partition": partition,
                    "offset": 0,
                    "position": 0,
                }
            ],
        }
        [row] = collector.stored()
        assert (row["organization"], row["source_id"], row["input_tokens"]) == ("acme", "e7", 7)
        assert row["api_key_id"] == collector.acme.id
        [record] = collector.records()
        assert (record.partition, record.key) == (partition, b"acme")

    collector.run(scenario)


PRETTY = json.dumps(event(1), indent=2).encode()
TWO = ndjson(event(1), event(2))


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "expected"),
    [
        (PRETTY, "application/json", "", 1),
        (PRETTY, "", "", 1),
        (PRETTY, "application/x-www-form-urlencoded", "", 1),
        (b"[" + TWO.replace(b"\n", b",") + b"]", "application/json; charset=utf-8", "", 2),
        (b" \n[" + TWO.replace(b"\n", b",") + b"]", "", "", 2),
        (TWO, "application/x-ndjson", "", 2),
        (TWO + b"\r\n\n", "", "identity", 2),
        (gzip.compress(TWO, mtime=0), "application/x-ndjson", "gzip", 2),
        (zstandard.compress(TWO), "application/x-ndjson", "zstd", 2),
        (zstandard.compress(PRETTY), "", "ZSTD", 1),
    ],
)
def test_every_form_of_body_is_taken(
    collector: Collector, body: bytes, content_type: str, encoding: str, expected: int
) -> None:
    async def scenario() -> None:
        headers = {"content_encoding": encoding} if encoding else {}
        answer = await collector.post(body, content_type, **headers)
        assert answer.status == 202, answer.body
        assert answer.json["accepted"] == expected == len(collector.stored())

    collector.run(scenario)


def test_a_bad_event_costs_no_good_one_and_is_kept(collector: Collector) -> None:
    async def scenario() -> None:
        bad = json.dumps(event(2, input_tokens=-1)).encode()
        answer = await collector.post(ndjson(event(1), bad, b'{"model": "\xff"}', event(4)), "application/x-ndjson")
        assert answer.status == 202
        assert (answer.json["accepted"], answer.json["rejected"]) == (2, 2)
        told = answer.json["events"]
        assert [each["status"] for each in told] == ["accepted", "rejected", "rejected", "accepted"]
        assert [each["index"] for each in told] == [0, 1, 2, 3]
        assert told[1]["event_id"] == "e2"
        assert told[1]["reason"] == "input_tokens: Input should be greater than or equal to 0"
        assert [each["position"] for each in told if each["status"] == "accepted"] == [0, 1]
        assert [row["source_id"] for row in collector.stored()] == ["e1", "e4"]
        first, second = collector.refused()
        assert (first["source"], first["organization"], first["event_id"]) == ("collector", "acme", "e2")
        assert base64.b64decode(first["raw"]) == bad
        assert base64.b64decode(second["raw"]) == b'{"model": "\xff"}'

    collector.run(scenario)


def test_when_all_events_are_bad_the_answer_is_422_in_the_same_shape(collector: Collector) -> None:
    async def scenario() -> None:
        answer = await collector.post(ndjson(event(1, colour="red"), event(2, model="")))
        assert answer.status == 422
        assert (answer.json["accepted"], answer.json["rejected"]) == (0, 2)
        assert [each["status"] for each in answer.json["events"]] == ["rejected", "rejected"]
        assert len(collector.refused()) == 2
        assert collector.stored() == []

    collector.run(scenario)


def test_e17_ids_repeated_in_one_request_are_all_stored_and_labelled(collector: Collector) -> None:
    async def scenario() -> None:
        sent = [event(1), event(2), event(1), event(1, organization="other"), event(1, input_tokens=9)]
        sent = [{"organization": "acme"} | each for each in sent]
        answer = await collector.post(ndjson(*sent), key=collector.any_key)
        assert (answer.status, answer.json["accepted"]) == (202, 5)
        labels = [each.get("duplicate_in_request", False) for each in answer.json["events"]]
        assert labels == [False, False, True, False, True]
        assert len(collector.stored()) == 5

    collector.run(scenario)


def test_events_of_another_organization_are_refused_one_by_one(collector: Collector) -> None:
    async def scenario() -> None:
        foreign = event(2, organization="other")
        answer = await collector.post(ndjson(event(1, organization="acme"), foreign))
        assert answer.status == 202
        assert "the key belongs to another organization" in answer.json["events"][1]["reason"]
        alone = await collector.post(ndjson(foreign))
        assert alone.status == 403
        assert alone.json["rejected"] == 1
        everyone = await collector.post(ndjson(foreign), key=collector.any_key)
        assert everyone.status == 202
        assert [row["organization"] for row in collector.stored() if row["source_id"] == "e2"] == ["other"]

    collector.run(scenario)


def test_a_given_api_key_id_is_kept(collector: Collector) -> None:
    async def scenario() -> None:
        await collector.post(ndjson(event(1, api_key_id="production"), event(2)))
        assert [row["api_key_id"] for row in collector.stored()] == ["production", collector.acme.id]

    collector.run(scenario)


def test_the_summary_gives_counts_refusals_and_ranges(collector: Collector) -> None:
    async def scenario() -> None:
        names = [f"org{number}" for number in range(30)]
        events = [event(number, organization=names[number % 30]) for number in range(2_500)]
        answer = await collector.post(
            ndjson(*events[:1200], event(1, status="?"), *events[1200:], events[0]),
            query="?detail=summary",
            key=collector.any_key,
        )
        assert answer.status == 202
        told = answer.json
        assert (told["accepted"], told["rejected"], told["unacknowledged"]) == (2_501, 1, 0)
        assert told["duplicates_in_request"] == 1
        assert [each["index"] for each in told["rejections"]] == [1200]
        assert sum(each["events"] for each in told["positions"].values()) == 2_501
        for partition, span in told["positions"].items():
            assert span["first_offset"] == 0
            assert span["last_offset"] == len(collector.log.records["usage.events", int(partition)]) - 1
        assert len(collector.stored()) == 2_501

    collector.run(scenario)


def test_every_position_told_is_where_the_event_is(collector: Collector) -> None:
    async def scenario() -> None:
        events = [event(number, organization=f"org{number % 5}") for number in range(3_000)]
        answer = await collector.post(ndjson(*events), key=collector.any_key)
        rows: dict[tuple[int, int], list[dict[str, Any]]] = {}
        for told in answer.json["events"]:
            place = told["partition"], told["offset"]
            if place not in rows:
                record = collector.log.records["usage.events", place[0]][place[1]]
                rows[place] = decoded_rows(record.value)
            assert rows[place][told["position"]]["source_id"] == told["event_id"] == f"e{told['index']}"
            assert told["partition"] == partition_of(f"org{told['index'] % 5}", 8)
        assert all(len(each) <= 1_000 for each in rows.values())

    collector.run(scenario)


def decoded_rows(value: bytes) -> list[dict[str, Any]]:
    return decode_envelope(value, None).frame.to_dicts()


def test_concurrent_requests_share_an_envelope(tmp_path: Path) -> None:
    collector = Collector(tmp_path, collector_linger_ms=50)

    async def scenario() -> None:
        answers = await asyncio.gather(*(collector.post(ndjson(event(number))) for number in range(20)))
        places = [(told["offset"], told["position"]) for answer in answers for told in answer.json["events"]]
        assert sorted(places) == [(0, number) for number in range(20)]
        [record] = collector.records()
        assert record.key == b"acme"

    collector.run(scenario)


def test_an_envelope_never_exceeds_what_kafka_takes(collector: Collector) -> None:
    async def scenario() -> None:
        chance = random.Random(1)

        def noise() -> str:
            return "".join(chance.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=500))

        metadata = [{f"k{entry}": noise() for entry in range(50)} for _ in range(100)]
        answer = await collector.post(ndjson(*(event(n, metadata=each) for n, each in enumerate(metadata))))
        assert answer.status == 202
        assert max(len(record.value) for record in collector.records()) < 900_000
        assert len(collector.stored()) == 100

    collector.run(scenario)


def test_a_uuid_is_kept(collector: Collector) -> None:
    async def scenario() -> None:
        answer = await collector.post(ndjson({"event_id": UUID7, "model": "m"}))
        assert answer.json["events"][0]["event_id"] == UUID7
        assert collector.stored()[0]["source_id"] == ""

    collector.run(scenario)
