"""What holds for every event: round trips, one identity, bounds; and that the schema agrees with the model."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tokentally import TOKEN_BUCKETS, UsageEvent
from tokentally.decimals import plain, read_decimal
from tokentally.fields import MAX_TOKENS
from tokentally.schema import schema_text

SCHEMA = jsonschema.Draft202012Validator(json.loads(schema_text()))

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
names = texts.filter(bool)
tokens = st.integers(0, MAX_TOKENS)
instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones())  # noqa: DTZ001
units = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(
    lambda name: not name.endswith(("_tokens", "_mtok"))
)
amounts = st.decimals(0, 10**12, allow_nan=False, allow_infinity=False) | st.integers(0, 10**12) | st.floats(0, 10**12)

events = st.builds(
    UsageEvent.model_validate,
    st.fixed_dictionaries(
        {"event_id": names | st.uuids().map(str), "time": instants, "organization": names, "model": names},
        optional={
            **dict.fromkeys(("customer_id", "user_id", "plan", "category"), texts),
            **dict.fromkeys(TOKEN_BUCKETS, tokens),
            "quantities": st.dictionaries(units, amounts.map(str), max_size=5),
            "metadata": st.dictionaries(names, texts, max_size=5),
            "reported_cost_usd": st.decimals(0, 10**6, allow_nan=False, allow_infinity=False).map(str),
            "rating": st.none() | st.integers(1, 5),
            "duration_ms": st.none() | st.integers(0, 10**10),
        },
    ),
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(0, 1e15, exclude_min=True) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=70), inner, max_size=3),
    max_leaves=5,
)


@given(events)
def test_json_reads_back_as_an_equal_event(event: UsageEvent) -> None:
    again = UsageEvent.model_validate_json(event.to_json())
    assert again == event
    assert again.to_json() == event.to_json()
    assert again.event_uuid == event.event_uuid
    assert again.quantities_json == event.quantities_json


@given(events)
def test_what_we_write_fits_the_schema(event: UsageEvent) -> None:
    SCHEMA.validate(json.loads(event.to_json()))


@given(st.sampled_from(sorted(UsageEvent.model_fields)), anything)
@settings(max_examples=300)
def test_the_schema_refuses_no_field_that_the_model_takes(field: str, value: Any) -> None:
    fields = {"event_id": "a", "time": "2026-03-01T09:30:00Z", "organization": "acme", "model": "m", "feature": "f"}
    document = json.dumps({**fields, field: value})
    try:
        UsageEvent.model_validate_json(document)
    except ValidationError:
        return
    SCHEMA.validate(json.loads(document))


@given(instants)
def test_time_is_the_instant_cut_to_the_millisecond(instant: datetime) -> None:
    event = UsageEvent.model_validate({"event_id": "a", "time": instant, "organization": "a", "model": "m"})
    assert timedelta(0) <= instant - event.time < timedelta(milliseconds=1)
    assert event.time.tzinfo is UTC
    assert event.time.microsecond % 1000 == 0
    as_text = (
        UsageEvent.model_validate({**event.model_dump(), "time": instant.isoformat()}) if _plain(instant) else event
    )
    assert as_text.time == event.time


def _plain(instant: datetime) -> bool:
    # Offsets before about 1900 have seconds, which RFC 3339 cannot say.
    offset = instant.utcoffset()
    return offset is not None and offset % timedelta(minutes=1) == timedelta(0)


@given(st.decimals(0, 10**12, allow_nan=False, allow_infinity=False))
def test_a_decimal_keeps_nine_places_and_fifteen_digits_and_survives_a_double(number: Decimal) -> None:
    kept = read_decimal(str(number))
    assert abs(kept - number) <= max(Decimal("5e-10"), number * Decimal("5e-15"))
    assert read_decimal(float(kept)) == kept
    assert read_decimal(kept) == kept
    assert Decimal(plain(kept)) == kept
    assert "E" not in plain(kept)
