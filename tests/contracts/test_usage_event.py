"""The usage event: which input is one, what is refused and in which words, and what is stored of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from pydantic import ValidationError

from tokentally import TOKEN_BUCKETS, UsageEvent, reasons
from tokentally.identity import EVENT_ID_NAMESPACE

EXAMPLES = Path(__file__).parent / "examples"
VALID = sorted((EXAMPLES / "valid").glob("*.json"))
INVALID: list[dict[str, Any]] = json.loads((EXAMPLES / "invalid" / "cases.json").read_text())
SMALLEST = {"event_id": "call-1", "time": "2026-03-01T09:30:00Z", "organization": "acme", "feature": "search"}


def event(**changes: object) -> UsageEvent:
    return UsageEvent.model_validate({**SMALLEST, **changes})


def refusal(fields: Mapping[str, object]) -> tuple[str, ...]:
    with pytest.raises(ValidationError) as refused:
        UsageEvent.model_validate(fields)
    return reasons(refused.value)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_published_examples_are_events_and_survive_a_round_trip(path: Path) -> None:
    read = UsageEvent.model_validate_json(path.read_bytes())
    assert UsageEvent.model_validate_json(read.to_json()) == read
    assert UsageEvent.model_validate(json.loads(path.read_bytes())) == read
    assert b"\n" not in read.to_json()


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case["reason"][:60])
def test_bad_input_is_refused_in_the_same_words_from_json_and_from_a_dictionary(case: dict[str, Any]) -> None:
    fields = {**SMALLEST, **case["change"]}
    (from_dictionary,) = refusal(fields)
    with pytest.raises(ValidationError) as refused:
        UsageEvent.model_validate_json(json.dumps(fields))
    assert from_dictionary.startswith(case["reason"])
    assert reasons(refused.value) == (from_dictionary,)


def test_the_full_example_sets_every_field() -> None:
    full = UsageEvent.model_validate_json((EXAMPLES / "valid" / "full.json").read_bytes())
    assert full.model_fields_set == set(UsageEvent.model_fields)
    assert full.time == datetime(2026, 3, 1, 9, 30, 0, 125_000, UTC)
    assert full.total_tokens == 1_000_000_002_508
    assert full.reported_cost_nano_usd == 12_345_678, "half to even"
    assert full.quantities_json == '{"audio_seconds":12.5,"requests":1,"web_searches":2}'
    assert full.metadata_json == '{"region":"eu-west-1","trace":"日本"}'
    assert json.loads(full.to_json())["time"] == "2026-03-01T09:30:00.125Z"


def test_every_problem_of_an_event_is_named() -> None:
    assert refusal({"event_id": "", "tokens": 1, "model": 3}) == (
        "event_id: String should have at least 1 character",
        "organization: Field required",
        "model: Input should be a valid string",
        "unknown field tokens: facts of your own go into metadata",
    )


def test_a_refusal_does_not_repeat_values_and_cannot_break_a_log_line() -> None:
    (reason,) = refusal({**SMALLEST, "prompt_preview": "secret" * 100})
    assert "secret" not in reason
    (reason,) = refusal({**SMALLEST, "a\nb\x1b": 1})
    assert reason == "unknown field a?b?: facts of your own go into metadata"


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        event().model = "gpt-4o"  # type: ignore[misc]


def test_total_is_the_sum_of_the_fourteen_buckets() -> None:
    counts = {bucket: 10**index for index, bucket in enumerate(TOKEN_BUCKETS, start=-1) if index >= 0}
    assert event(**counts, input_tokens=7).total_tokens == 7 + 1_111_111_111_111


class TestTime:
    def test_is_cut_not_rounded_to_the_millisecond(self) -> None:
        assert event(time="2026-03-01T09:30:00.999999999Z").time.microsecond == 999_000
        assert event(time="1969-12-31T23:59:59.9999Z").time == datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)

    def test_is_turned_into_utc(self) -> None:
        assert event(time="2026-03-01t10:30:00-05:30").time.isoformat() == "2026-03-01T16:00:00+00:00"
        paris = datetime(2026, 3, 1, 10, 30, tzinfo=timezone(timedelta(hours=1)))
        assert event(time=paris).time.isoformat() == "2026-03-01T09:30:00+00:00"

    def test_without_a_zone_is_refused(self) -> None:
        (reason,) = refusal({**SMALLEST, "time": datetime(2026, 3, 1)})  # noqa: DTZ001
        assert reason.startswith("time: has no time zone")

    def test_comes_from_a_version_7_id_when_absent(self) -> None:
        fields = {"event_id": "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "organization": "acme", "model": "m"}
        # The example of RFC 9562, appendix A.6.
        expected = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
        assert UsageEvent.model_validate(fields).time == expected
        assert UsageEvent.model_validate({**fields, "time": None}).time == expected

    def test_is_never_taken_from_another_version_or_beyond_the_calendar(self) -> None:
        fields = {"event_id": str(uuid5(NAMESPACE_URL, "x")), "organization": "acme", "model": "m"}
        assert refusal(fields) == ("time: is missing, and event_id is not a UUIDv7 to take it from",)
        fields["event_id"] = "ffffffff-ffff-7000-8000-000000000000"
        assert refusal(fields) == ("time: is missing, and the UUIDv7 event_id lies beyond the year 9999",)


class TestIdentity:
    def test_a_uuid_is_kept_and_case_does_not_matter(self) -> None:
        text = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
        assert event(event_id=text).event_uuid == event(event_id=text.upper()).event_uuid == UUID(text)
        assert event(event_id=text).stored_source_id == ""
        assert event(event_id=text, source_id="mine").stored_source_id == "mine"

    def test_any_other_key_is_mapped_within_its_organization_and_kept(self) -> None:
        expected = uuid5(uuid5(EVENT_ID_NAMESPACE, "acme"), "call-1")
        assert event(event_id="call-1").event_uuid == expected
        assert event(event_id="call-1").stored_source_id == "call-1"
        assert event(event_id="call-1", organization="other").event_uuid != expected

    def test_the_mapping_never_changes(self) -> None:
        assert event().event_uuid == UUID("5a1a1610-398c-53f9-be6c-957018f1d6e4")

    @pytest.mark.parametrize("spelling", ["{%s}", "urn:uuid:%s", "%s ", "x%s"])
    def test_only_the_hyphenated_form_is_a_uuid(self, spelling: str) -> None:
        text = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
        assert event(event_id=spelling % text).stored_source_id == spelling % text
        assert event(event_id=text.replace("-", "")).event_uuid != UUID(text)

    def test_the_stored_form_sent_again_is_the_same_event(self) -> None:
        first = event(event_id="call-1")
        again = event(event_id=str(first.event_uuid), source_id=first.stored_source_id)
        assert (again.event_uuid, again.stored_source_id) == (first.event_uuid, first.stored_source_id)


class TestDecimals:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            (0.1, "0.1"),
            ("0.1", "0.1"),
            (Decimal("2.50"), "2.5"),
            (3, "3"),
            ("1e3", "1000"),
            (1e-9, "0.000000001"),
            ("0.0000000005", "0"),
            ("0.0000000015", "0.000000002"),
            ("123456789.1234567891", "123456789.123457"),
            (10**12, "1000000000000"),
            (0.041666666666666664, "0.041666667"),
        ],
    )
    def test_are_rounded_once_to_nine_places_and_fifteen_digits(self, given: object, kept: str) -> None:
        assert event(quantities={"audio_hours": given}).quantities_json == f'{{"audio_hours":{kept}}}'

    @pytest.mark.parametrize("given", [float("nan"), float("inf"), -0.5, "NaN", "1_000", " 1", "", "0x1", "١", None])
    def test_refuse_what_is_no_plain_number(self, given: object) -> None:
        (reason,) = refusal({**SMALLEST, "quantities": {"audio_hours": given}})
        assert reason.startswith("quantities.audio_hours: must be a non-negative decimal number")

    def test_cost_is_exact_in_nano_dollars(self) -> None:
        assert event(reported_cost_usd="999999.123456789").reported_cost_nano_usd == 999_999_123_456_789
        assert event(reported_cost_usd=0.1).reported_cost_nano_usd == 100_000_000
        assert event(reported_cost_usd="0.0000000025").reported_cost_nano_usd == 2
        assert event().reported_cost_nano_usd is None
        assert event(reported_cost_usd=0).reported_cost_nano_usd == 0


def test_maps_are_bounded() -> None:
    assert len(event(metadata={f"k{i}": "v" * 512 for i in range(50)}).metadata) == 50
    assert refusal({**SMALLEST, "metadata": {f"k{i}": "v" for i in range(51)}})[0].startswith("metadata: Dictionary")
    assert refusal({**SMALLEST, "metadata": {"k": "v" * 513}})[0].startswith("metadata.k: String should have at most")
    assert refusal({**SMALLEST, "metadata": {"k" * 65: "v"}})[0].endswith("String should have at most 64 characters")
