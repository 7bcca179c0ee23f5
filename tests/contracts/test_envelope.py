"""The envelope: one event a line, within the limits of one Kafka message."""

import pytest

from tokentally import EnvelopeTooLarge, UsageEvent
from tokentally.envelope import MAX_EVENTS, MAX_WIRE_BYTES, ndjson_envelope


def event(number: int, **changes: object) -> UsageEvent:
    fields = {"event_id": f"call-{number}", "time": "2026-03-01T09:30:00Z", "organization": "acme", "model": "m"}
    return UsageEvent.model_validate({**fields, **changes})


def test_holds_one_event_a_line_in_order() -> None:
    events = [event(number, prompt_preview="two\nlines\u2028and more") for number in range(3)]
    lines = ndjson_envelope(events).split(b"\n")
    assert lines.pop() == b""
    assert [UsageEvent.model_validate_json(line) for line in lines] == events


def test_of_one_event_or_none_is_an_envelope() -> None:
    assert ndjson_envelope([]) == b""
    assert ndjson_envelope(iter([event(1)])) == event(1).to_json() + b"\n"


def test_limits_are_kept() -> None:
    assert ndjson_envelope(event(number) for number in range(MAX_EVENTS)).count(b"\n") == MAX_EVENTS
    with pytest.raises(EnvelopeTooLarge, match="1001 events in one envelope; at most 1000"):
        ndjson_envelope(event(number) for number in range(MAX_EVENTS + 1))
    bulky = {"metadata": {f"k{number}": "v" * 512 for number in range(50)}}
    with pytest.raises(EnvelopeTooLarge, match=f"bytes; at most {MAX_WIRE_BYTES}"):
        ndjson_envelope(event(number, **bulky) for number in range(40))
