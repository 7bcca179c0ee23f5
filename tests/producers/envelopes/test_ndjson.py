"""NDJSON envelopes: a line is accepted exactly when UsageEvent accepts it, and means the same."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from producers.envelopes import arrow, ndjson
from producers.envelopes.columns import COLUMNS
from producers.envelopes.decoded import RejectionKind
from producers.envelopes.rows import frame_of
from producers.envelopes.sent import FEW_LINES
from tests.producers.envelopes.samples import UUID7, block, event, line, sent_events
from tokentally import UsageEvent
from tokentally.identity import EVENT_ID_NAMESPACE

FILLER = [line(event_id=f"filler-{number}", time="2026-01-01T00:00:00Z") for number in range(FEW_LINES)]
"""Enough lines before the ones in question that the fast path is taken."""


def accepted_by_usage_event(text: bytes) -> UsageEvent | None:
    try:
        return UsageEvent.model_validate_json(text)
    except ValidationError:
        return None


def row(text: bytes) -> dict[str, Any]:
    decoded = ndjson.decode(block(*FILLER, text))
    assert decoded.rejected == []
    return decoded.frame.row(-1, named=True)


def reason(text: bytes) -> str:
    decoded = ndjson.decode(block(*FILLER, text))
    assert decoded.frame.height == len(FILLER)
    [rejected] = decoded.rejected
    assert rejected.index == len(FILLER)
    assert rejected.raw == text
    return rejected.reason


@settings(deadline=None, max_examples=300)
@given(st.lists(sent_events, min_size=1, max_size=6), st.booleans())
def test_the_fast_path_and_usage_event_agree_on_every_line(sent: list[dict[str, Any]], ascii_only: bool) -> None:
    lines = [json.dumps(each, ensure_ascii=ascii_only).encode() for each in sent]
    models = [accepted_by_usage_event(text) for text in lines]

    decoded = ndjson.decode(block(*lines, *FILLER))

    wanted = [model for model in models if model] + [UsageEvent.model_validate_json(text) for text in FILLER]
    assert_frame_equal(decoded.frame, frame_of(wanted))
    places = [place for place, model in enumerate(models) if model is None]
    assert [rejected.index for rejected in decoded.rejected] == places
    assert [rejected.raw for rejected in decoded.rejected] == [lines[place] for place in places]
    assert decoded.index.tolist() == [place for place in range(len(lines) + len(FILLER)) if place not in places]
    assert decoded.frame.schema == COLUMNS


@settings(deadline=None, max_examples=100)
@given(st.lists(sent_events, max_size=5))
def test_the_frame_of_ndjson_equals_the_frame_of_arrow(sent: list[dict[str, Any]]) -> None:
    frame = ndjson.decode(block(*(json.dumps(each).encode() for each in sent), *FILLER)).frame
    decoded = arrow.decode(arrow.encode(frame))
    assert_frame_equal(decoded.frame, frame)
    assert decoded.rejected == []


def test_few_lines_and_many_lines_give_the_same() -> None:
    one = line(time="2026-03-01T09:30:00.1259Z", metadata={"b": "2", "a": "1"}, reported_cost_usd=0.0015)
    assert_frame_equal(ndjson.decode(one).frame, ndjson.decode(block(*FILLER, one)).frame[-1:])


def test_an_event_becomes_a_row_of_all_columns() -> None:
    found = row(
        line(
            time="2026-03-01T10:30:00.1259+01:00",
            source_id="order-7",
            reported_cost_usd="0.0000000015",
            quantities={"web_searches": 2, "audio_hours": 0.50},
            metadata={"team": "é", "a": 'x"y'},
            prompt_preview="one\ntwo",
            rating=5,
        )
    )
    assert found["event_id"] == UUID(UUID7).bytes
    assert found["source_id"] == "order-7"
    assert found["time"] == datetime(2026, 3, 1, 9, 30, 0, 125_000, UTC)
    assert found["reported_cost_nano_usd"] == 2  # half to even
    assert found["quantities"] == '{"audio_hours":0.5,"web_searches":2}'
    assert found["metadata"] == '{"a":"x\\"y","team":"é"}'
    assert found["prompt_preview"] == "one\ntwo"
    assert (found["rating"], found["duration_ms"], found["customer_id"]) == (5, None, "")


def test_a_key_that_is_no_uuid_becomes_a_uuid_of_its_organization() -> None:
    found = row(line(event_id="order-7", time="2026-03-01T10:30:00Z"))
    assert found["event_id"] == uuid5(uuid5(EVENT_ID_NAMESPACE, "acme"), "order-7").bytes
    assert found["source_id"] == "order-7"


def test_an_absent_time_is_that_of_the_uuid_version_7() -> None:
    assert row(line(event_id=UUID7))["time"] == datetime.fromtimestamp(0x01936F5E7A10 / 1000, UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"hello", "Invalid JSON"),
        (b'{"event_id": "x"', "Invalid JSON"),
        (b'{"model": "\xff"}', "Invalid JSON"),
        (b"[1]", "Input should be an object"),
        (b"12", "Input should be an object"),
        (line(input_tokens=-5), "input_tokens: Input should be greater than or equal to 0"),
        (line(input_tokens=10**12 + 1), "input_tokens: Input should be less than or equal to 1000000000000"),
        (line(input_tokens=10**30), "input_tokens"),
        (line(input_tokens="7"), "input_tokens: Input should be a valid integer"),
        (line(input_tokens=7.5), "input_tokens: Input should be a valid integer"),
        (line(colour="red"), "unknown field colour: facts of your own go into metadata"),
        (line(organization=""), "organization"),
        (line(event_id="order-7"), "time: is missing, and event_id is not a UUIDv7"),
        (line(time="yesterday"), "time: must be an RFC 3339 time"),
        (line(time="2026-02-30T00:00:00Z"), "time: does not exist"),
        (line(time="2026-03-01T00:00:00"), "time: must be an RFC 3339 time with offset"),
        (line(model=""), "nothing used"),
        (line(model="a\x00b"), "model: control characters are not allowed"),
        (line(model="a\x85b"), "model: control characters are not allowed"),
        (line(prompt_preview="x" * 501), "prompt_preview"),
        (line(status="ok"), "status: Input should be 'success', 'error' or 'cancelled'"),
        (line(reported_cost_usd=-1), "reported_cost_usd: must be a non-negative decimal"),
        (line(quantities={"gpu_tokens": 1}), "quantities.gpu_tokens"),
        (line(metadata={"a": 1}), "metadata.a: Input should be a valid string"),
        (line(metadata={str(number): "" for number in range(51)}), "metadata"),
        (b'{"a":' * 5000, "Invalid JSON"),
    ],
)
def test_a_bad_line_is_refused_alone_with_a_reason(text: bytes, expected: str) -> None:
    assert expected in reason(text)


def test_text_that_is_not_json_is_told_apart() -> None:
    kinds = [rejected.kind for rejected in ndjson.decode(block(b"hello", line(input_tokens=-1))).rejected]
    assert kinds == [RejectionKind.NOT_JSON, RejectionKind.INVALID]


def test_reasons_do_not_repeat_values() -> None:
    assert "secret" not in reason(line(status="secret", time="secret", rating="secret"))


def test_blank_lines_are_no_events() -> None:
    decoded = ndjson.decode(b"\r\n" + line() + b"\r\n\n  \n" + line(model="") + b"\r\n")
    assert decoded.index.tolist() == [0]
    assert [rejected.index for rejected in decoded.rejected] == [1]


def test_an_event_over_two_lines_is_two_bad_lines() -> None:
    first, second = line()[:20], line()[20:]
    decoded = ndjson.decode(block(first, second, line() + line()))
    assert [rejected.index for rejected in decoded.rejected] == [0, 1, 2]


def test_more_events_than_an_envelope_may_hold_are_refused_whole() -> None:
    decoded = ndjson.decode(b"{}\n" * 1001)
    assert [(rejected.index, rejected.reason) for rejected in decoded.rejected] == [
        (None, "1001 events in one envelope; at most 1000 are allowed")
    ]


@pytest.mark.parametrize("before", [[], FILLER])
def test_an_absent_organization_can_be_filled_in(before: list[bytes]) -> None:
    nameless = event(event_id="order-7", time="2026-03-01T10:30:00Z")
    del nameless["organization"]
    texts = [
        *before,
        json.dumps(nameless).encode(),
        json.dumps(nameless | {"organization": "other"}).encode(),
        json.dumps(nameless | {"organization": ""}).encode(),
        json.dumps(nameless | {"colour": "red"}).encode(),
        b" { } ",
    ]
    decoded = ndjson.decode_lines(texts, organization='own "é"')
    assert decoded.frame["organization"].to_list()[-2:] == ['own "é"', "other"]
    assert decoded.frame["event_id"][-2] == uuid5(uuid5(EVENT_ID_NAMESPACE, 'own "é"'), "order-7").bytes
    reasons = [rejected.reason for rejected in decoded.rejected]
    assert [text.split(":")[0] for text in reasons] == ["organization", "unknown field colour", "event_id"]


def test_without_a_default_an_absent_organization_is_refused() -> None:
    nameless = event()
    del nameless["organization"]
    assert reason(json.dumps(nameless).encode()) == "organization: Field required"
