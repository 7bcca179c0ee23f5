"""A control record is believed only as it was signed, for the partition it was signed for."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.control.record import MAX_BYTES, ControlRecord, named_in, read_record, signature
from producers.errors import ControlRefused

KEY = b"k" * 32
PLACE = 1027
RECORD = ControlRecord(
    str(uuid4()),
    "void",
    "acme",
    {"selection": {"model": "gpt-4o"}},
    "ada",
    "wrong key: é",
    datetime(2026, 4, 2, 12, 0, 0, 250_000, tzinfo=UTC),
)
VALUE = RECORD.value(PLACE)


def signed(said: Any) -> tuple[bytes, bytes]:
    value = json.dumps(said).encode()
    return value, signature(value, KEY)


def test_what_was_signed_is_read() -> None:
    assert read_record(VALUE, signature(VALUE, KEY), KEY, PLACE) == RECORD


@given(st.integers(0, len(VALUE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, by: int) -> None:
    changed = bytearray(VALUE)
    changed[place] ^= by
    with pytest.raises(ControlRefused, match="not signed"):
        read_record(bytes(changed), signature(VALUE, KEY), KEY, PLACE)


@given(st.integers(0, 63), st.integers(1, 255))
def test_any_changed_byte_of_the_signature_is_refused(place: int, by: int) -> None:
    changed = bytearray(signature(VALUE, KEY))
    changed[place] ^= by
    with pytest.raises(ControlRefused, match="not signed"):
        read_record(VALUE, bytes(changed), KEY, PLACE)


@given(st.integers(0, 65_535).filter(lambda number: number != PLACE))
def test_a_copy_in_another_partition_is_refused(other: int) -> None:
    with pytest.raises(ControlRefused, match=f"signed for log partition {PLACE}, this is {other}"):
        read_record(VALUE, signature(VALUE, KEY), KEY, other)


def test_without_a_signature_or_with_another_key() -> None:
    for header in (None, b"", signature(VALUE, b"x" * 32)):
        with pytest.raises(ControlRefused, match="not signed"):
            read_record(VALUE, header, KEY, PLACE)


@pytest.mark.parametrize("missing", json.loads(VALUE))
def test_a_signed_record_without_a_part_is_refused(missing: str) -> None:
    said = {name: value for name, value in json.loads(VALUE).items() if name != missing}
    with pytest.raises(ControlRefused, match="cannot be read"):
        read_record(*signed(said), KEY, PLACE)


@pytest.mark.parametrize(
    ("part", "value"), [("control_id", "7"), ("control_id", None), ("created", "now"), ("created", 7)]
)
def test_a_signed_record_with_an_odd_part_is_refused(part: str, value: Any) -> None:
    with pytest.raises(ControlRefused, match="cannot be read"):
        read_record(*signed({**json.loads(VALUE), part: value}), KEY, PLACE)


def test_a_signed_record_that_is_no_object_is_refused() -> None:
    odd: list[Any] = [[], 7, "x", None]
    for said in odd:
        with pytest.raises(ControlRefused, match="cannot be read"):
            read_record(*signed(said), KEY, PLACE)


def test_a_signed_record_that_says_nothing_possible_is_refused() -> None:
    with pytest.raises(ControlRefused, match="unknown kind 'drop'"):
        read_record(*signed({**json.loads(VALUE), "kind": "drop"}), KEY, PLACE)
    with pytest.raises(ControlRefused, match="selection of everything"):
        read_record(*signed({**json.loads(VALUE), "body": {"selection": {}}}), KEY, PLACE)


def test_what_kafka_does_not_take_is_refused() -> None:
    large = ControlRecord(RECORD.control_id, "void", "acme", {"x": "y" * MAX_BYTES}, "ada", "", RECORD.created)
    with pytest.raises(ControlRefused, match="split it"):
        large.value(PLACE)


@pytest.mark.parametrize("place", ["author", "note", "organization"])
def test_what_utf_8_cannot_hold_is_refused_with_its_place(place: str) -> None:
    with pytest.raises(ControlRefused, match=rf"void: {place}: '\\udc80' is no character: write it in UTF-8"):
        replace(RECORD, **{place: "a \udc80"}).value(PLACE)  # type: ignore[arg-type]


HURTS: dict[str, bytes] = {
    "a body too deep to read": VALUE.replace(b'{"selection":', b'{"selection":' + b"[" * 200_000),
    "a text that UTF-8 cannot hold": json.dumps({**json.loads(VALUE), "note": "\ud800"}).encode(),
    "a number of five thousand digits": VALUE.replace(b'"gpt-4o"', b"9" * 5000),
    "a kind that is no text": json.dumps({**json.loads(VALUE), "kind": ["void"]}).encode(),
    "an author that is no text": json.dumps({**json.loads(VALUE), "author": 7}).encode(),
    "no record at all": b"7",
}
EDGES = {"since": "0001-01-01T00:00:00+05:00"}, {"until": "9999-12-31T23:59:59-05:00"}


@pytest.mark.parametrize("how", HURTS)
def test_e29_what_python_cannot_hold_is_refused_and_ends_nobody(how: str) -> None:
    with pytest.raises(ControlRefused, match="cannot be read"):
        read_record(HURTS[how], signature(HURTS[how], KEY), KEY, PLACE)


@pytest.mark.parametrize("selection", EDGES)
def test_e29_times_outside_of_all_calendars_are_refused_and_end_nobody(selection: dict[str, str]) -> None:
    said = {**json.loads(VALUE), "body": {"selection": selection}}
    with pytest.raises(ControlRefused, match="outside of the years"):
        read_record(*signed(said), KEY, PLACE)


def test_e29_who_is_meant_is_read_from_the_bytes_of_a_signed_record() -> None:
    named = {"control_id": RECORD.control_id, "kind": "void", "organization": "acme"}
    assert named_in(VALUE, signature(VALUE, KEY), KEY, PLACE) == named
    deep = HURTS["a body too deep to read"]
    assert named_in(deep, signature(deep, KEY), KEY, PLACE) == named
    assert named_in(VALUE, signature(VALUE, b"x" * 32), KEY, PLACE) == {}
    assert named_in(VALUE, None, KEY, PLACE) == {}
    assert named_in(VALUE, signature(VALUE, KEY), KEY, PLACE + 1) == {}
    assert named_in(b"7", signature(b"7", KEY), KEY, PLACE) == {}
    other = ControlRecord(str(uuid4()), "void", "\u00e9", RECORD.content, '"kind":"erase"', "", RECORD.created)
    value = other.value(PLACE)
    assert named_in(value, signature(value, KEY), KEY, PLACE) == {
        "control_id": other.control_id,
        "kind": "void",
        "organization": "",
    }
