"""llms.py's requests, in both shapes exactly as llms.py writes them, become usage events."""

import io
import json
from typing import Any

import pytest

from producers.importers.errors import UnreadableSource
from producers.importers.importer import Row, Target
from producers.importers.llms_export import LlmsExport, error_code, shape

ACME = Target("acme", source="anna")


def version_2(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1758000000123,
        "threadId": "1757999999000",
        "model": "gpt-4o",
        "provider": "openai",
        "providerModel": "gpt-4o-2024-08-06",
        "title": "What did the\npatient say about...",
        "inputTokens": 2006,
        "outputTokens": 300,
        "inputCachedTokens": 0,
        "totalTokens": 2306,
        "inputPrice": "0.0000025",
        "outputPrice": "0.00001",
        "cost": 0.008015000000000001,
        "duration": 4210,
        "created": 1758000000,
        "finishReason": "stop",
        "providerRef": "fp_07871e2ad8",
        "ref": "chatcmpl-C8Yq2sWkqH0zq1PzOsn0",
        "usage": {
            "prompt_tokens": 2006,
            "completion_tokens": 300,
            "total_tokens": 2306,
            "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 128},
        },
        **changes,
    }


def version_3(**changes: Any) -> dict[str, Any]:
    return {
        "id": 17,
        "user": "mythz",
        "threadId": 5,
        "createdAt": "2026-01-15T09:30:00.250+01:00",
        "updatedAt": "2026-01-15T09:30:02+01:00",
        "title": "Hello",
        "model": "claude-sonnet-4-5",
        "duration": 1800,
        "cost": 0.0123,
        "inputPrice": 3,
        "inputTokens": 21,
        "inputCachedTokens": 0,
        "outputPrice": 15,
        "outputTokens": 393,
        "totalTokens": 414,
        "usage": {
            "input_tokens": 21,
            "cache_creation_input_tokens": 1000,
            "cache_read_input_tokens": 188086,
            "output_tokens": 393,
        },
        "provider": "anthropic",
        "providerModel": "claude-sonnet-4-5",
        "providerRef": None,
        "finishReason": "end_turn",
        "startedAt": "2026-01-15T09:30:00.250+01:00",
        "completedAt": "2026-01-15T09:30:02.050+01:00",
        "error": None,
        "stackTrace": None,
        "ref": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
        **changes,
    }


def export(*requests: Any) -> io.BytesIO:
    whole = {"exportedAt": "2025-09-16T10:00:00.000Z", "version": "1.0", "source": "llmspy"}
    return io.BytesIO(json.dumps({**whole, "requestsCount": len(requests), "requests": requests}).encode())


def array(*requests: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(requests).encode())


def read(file: io.BytesIO, importer: LlmsExport | None = None) -> list[Row]:
    return list((importer or LlmsExport(ACME)).rows(file))


def only(file: io.BytesIO, importer: LlmsExport | None = None) -> dict[str, object]:
    (row,) = read(file, importer)
    assert row.event is not None, row.problem
    return row.event


def test_a_version_2_request_with_cached_tokens_recovered_from_usage() -> None:
    event = only(export(version_2()))
    assert event.pop("event_id")
    assert event == {
        "organization": "acme",
        "time": "2025-09-16T05:20:00.000Z",
        "provider": "openai",
        "model": "gpt-4o-2024-08-06",
        "thread_id": "1757999999000",
        "message_id": "1758000000123",
        "input_tokens": 86,
        "cache_read_tokens": 1920,
        "output_tokens": 172,
        "reasoning_tokens": 128,
        "duration_ms": 4210,
        "reported_cost_usd": "0.008015000000000001",
        "metadata": {"finish_reason": "stop", "provider_ref": "fp_07871e2ad8", "llms_model": "gpt-4o"},
    }


def test_a_version_3_request_has_a_user_and_an_offset() -> None:
    event = only(array(version_3()))
    assert event.pop("event_id")
    assert event == {
        "organization": "acme",
        "time": "2026-01-15T08:30:00.250Z",
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "user_id": "mythz",
        "thread_id": "5",
        "message_id": "17",
        "input_tokens": 21,
        "cache_read_tokens": 188086,
        "cache_write_5m_tokens": 1000,
        "output_tokens": 393,
        "duration_ms": 1800,
        "reported_cost_usd": "0.0123",
        "metadata": {"finish_reason": "end_turn"},
    }


def test_gemini_usage_in_a_version_3_request() -> None:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "thoughtsTokenCount": 30, "totalTokenCount": 140}
    event = only(array(version_3(provider="google", providerModel="gemini-2.5-flash", usage=usage)))
    assert (event["input_tokens"], event["output_tokens"], event["reasoning_tokens"]) == (100, 10, 30)


def test_usage_kept_as_json_text_is_read_too() -> None:
    usage = json.dumps(version_2()["usage"])
    assert only(array(version_3(provider="openai", usage=usage)))["cache_read_tokens"] == 1920


def test_a_failure_gives_a_short_code_and_never_its_text_or_stack() -> None:
    secret = "HTTP Error 429: prompt was 'my salary'"
    event = only(array(version_3(error=secret, stackTrace="Traceback: my salary", usage=None, cost=0)))
    assert (event["status"], event["error_code"]) == ("error", "http_429")
    assert "salary" not in json.dumps(event)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("Request timed out.", "timeout"),
        ("Error code 400: bad", "http_400"),
        ("Rate limit reached for gpt-4o (429)", "rate_limit"),
        ("boom 12345", "error"),
    ],
)
def test_error_codes(error: str, code: str) -> None:
    assert error_code(error) == code


def test_the_title_is_private_unless_asked_for() -> None:
    assert "patient" not in json.dumps(only(export(version_2())))
    preview = only(export(version_2()), LlmsExport(ACME, prompt_preview=True))["prompt_preview"]
    assert preview == "What did the patient say about..."


def test_prices_of_0_mean_that_llms_had_no_price() -> None:
    assert "reported_cost_usd" not in only(export(version_2(cost=0, inputPrice=0, outputPrice=0)))
    assert only(export(version_2(cost=0, inputPrice="0", outputPrice="0.00001")))["reported_cost_usd"] == "0"


def test_costs_keep_every_digit() -> None:
    text = json.dumps(version_2(cost=12345)).replace("12345,", "1.23e-7,")
    file = io.BytesIO(f'{{"requestsCount":1,"requests":[{text}]}}'.encode())
    assert only(file)["reported_cost_usd"] == "0.000000123"


def test_without_usage_the_requests_own_counts_are_taken() -> None:
    event = only(export(version_2(usage=None, inputCachedTokens=5)))
    assert (event["input_tokens"], event["output_tokens"]) == (2006, 300)
    assert "cache_read_tokens" not in event


def test_the_same_response_is_the_same_event_whoever_exports_it_and_in_either_shape() -> None:
    first = only(export(version_2()))["event_id"]
    elsewhere = LlmsExport(Target("acme", source="bob"))
    assert only(export(version_2(id=99)), elsewhere)["event_id"] == first
    assert only(array(version_3(ref=version_2()["ref"])))["event_id"] == first


def test_without_a_ref_a_request_is_known_by_source_and_id() -> None:
    anna = only(export(version_2(ref=None)))["event_id"]
    assert only(export(version_2(ref=None)))["event_id"] == anna
    assert only(export(version_2(ref=None, id=1758000000124)))["event_id"] != anna
    assert only(export(version_2(ref=None)), LlmsExport(Target("acme", source="bob")))["event_id"] != anna


def test_random_three_digit_refs_of_local_servers_identify_nothing() -> None:
    first = only(export(version_2(ref="chatcmpl-123")))
    second = only(export(version_2(ref="chatcmpl-123", id=1758000009999)))
    assert first["event_id"] != second["event_id"]


def test_constants_win_over_the_file() -> None:
    target = Target("acme", constants=(("department", "research"), ("metadata.host", "laptop"), ("provider", "azure")))
    event = only(export(version_2()), LlmsExport(target))
    assert (event["department"], event["provider"]) == ("research", "azure")
    assert event["metadata"] == {
        "finish_reason": "stop",
        "provider_ref": "fp_07871e2ad8",
        "llms_model": "gpt-4o",
        "host": "laptop",
    }


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ("text", "not an object"),
        (version_2(created=None), "no time"),
        (version_2(created="yesterday"), "neither ISO 8601 nor a Unix time"),
        (version_2(ref=None, id=None), "no identity"),
        (version_2(usage={"prompt_tokens": -3}), "never negative"),
        (version_2(usage=None, inputTokens="many"), "not a non-negative number"),
        (version_2(cost="1e400000"), "cost is"),
        (version_2(usage="{broken"), "neither an object nor JSON"),
        (version_3(completedAt=None, usage=None, inputTokens=0, outputTokens=0), "not finished"),
    ],
)
def test_a_bad_request_is_reported_with_its_place_and_stops_nothing(request_: object, problem: str) -> None:
    rows = read(export(version_2(), request_, version_2(ref=None)))
    assert [row.event is not None for row in rows] == [True, False, True]
    assert rows[1].index == 1
    assert problem in rows[1].problem


def test_the_export_of_threads_is_refused_with_the_cure() -> None:
    threads = io.BytesIO(b'{"exportedAt":"2025-09-16","version":"1.0","source":"llmspy","threadCount":1,"threads":[]}')
    with pytest.raises(UnreadableSource, match="hold ALT while clicking Export"):
        shape(threads)


@pytest.mark.parametrize("text", [b"[]", b"{}", b'[{"a":1}]', b"[1]", b'{"requests":3}', b"nonsense", b""])
def test_other_json_is_not_llms(text: bytes) -> None:
    assert shape(io.BytesIO(text)) is None


def test_a_file_that_breaks_off_gives_its_whole_requests_first() -> None:
    whole = export(version_2(), version_2(ref=None)).getvalue()
    rows = LlmsExport(ACME).rows(io.BytesIO(whole[:-100]))
    assert next(rows).event
    with pytest.raises(UnreadableSource, match="breaks off"):
        next(rows)
