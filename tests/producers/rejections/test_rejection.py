"""A refusal travels as a record that any reader gives back unchanged; what is no record is refused itself."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.rejections.rejection import RAW_BYTES_KEPT, Rejection

rejections = st.builds(
    Rejection,
    rejection_id=st.text(),
    time_ms=st.integers(0, 4 * 10**12),
    source=st.sampled_from(["worker", "collector"]),
    reason=st.text(),
    organization=st.text(),
    event_id=st.text(),
    src_partition=st.none() | st.integers(0, 65_535),
    src_offset=st.none() | st.integers(0, 2**62),
    src_index=st.none() | st.integers(0, 1000),
    raw=st.binary(),
)


@given(rejections)
def test_a_record_comes_back_as_it_was(rejection: Rejection) -> None:
    assert Rejection.decoded(rejection.encoded()) == rejection


@given(st.binary() | st.text().map(str.encode) | st.builds(json.dumps, st.dictionaries(st.text(), st.integers())))
def test_anything_else_is_a_value_error(value: bytes | str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever of its kinds
        Rejection.decoded(value if isinstance(value, bytes) else value.encode())


@pytest.mark.parametrize("change", [{"extra": 1}, {"raw": 5}, {"raw": "a"}, {"raw": None}])
def test_a_record_with_other_fields_is_a_value_error(change: dict[str, object]) -> None:
    record = json.loads(Rejection.of_worker(1, 2, 3, 0, "bad", b"{}").encoded())
    with pytest.raises(ValueError, match=r"not a rejection record|base64"):
        Rejection.decoded(json.dumps(record | change).encode())


def test_a_refusal_of_the_worker_is_named_by_its_place_in_the_log() -> None:
    event = Rejection.of_worker(1027, 5, 77, 3, "no model", b'{"organization": "acme", "event_id": "e1"}')
    assert (event.rejection_id, event.source, event.time_ms) == ("1027-5-3", "worker", 77)
    assert (event.src_partition, event.src_offset, event.src_index) == (1027, 5, 3)
    assert (event.organization, event.event_id) == ("acme", "e1")
    whole = Rejection.of_worker(1027, 5, 77, None, "no gzip", b"\x1f\x8b")
    assert (whole.rejection_id, whole.src_index) == ("1027-5-all", None)


def test_a_replay_names_the_same_refusal_the_same() -> None:
    first, again = (Rejection.of_worker(1, 2, 3, 4, "bad", b"x") for _ in range(2))
    assert first.encoded() == again.encoded()


def test_a_refusal_at_the_door_has_no_place_in_the_log() -> None:
    refusal = Rejection.of_collector("r1", 5, "bad", b'{"event_id": 7}')
    assert (refusal.rejection_id, refusal.source) == ("r1", "collector")
    assert (refusal.src_partition, refusal.src_offset, refusal.src_index) == (None, None, None)
    assert (refusal.organization, refusal.event_id) == ("", "7")


def test_a_known_organization_is_kept_whatever_the_bytes_say() -> None:
    refusal = Rejection.of_collector("r1", 5, "bad", b'{"organization": "other"}', organization="acme")
    assert refusal.organization == "acme"


@pytest.mark.parametrize("raw", [b"", b"no json", b"[1, 2]", b"null", b"\xff\xfe", b'"text"', b'{"a": 1}'])
def test_bytes_that_name_nobody_belong_to_nobody(raw: bytes) -> None:
    refusal = Rejection.of_worker(1, 2, 3, 0, "bad", raw)
    assert (refusal.organization, refusal.event_id, refusal.raw) == ("", "", raw)


def test_deeply_nested_bytes_belong_to_nobody() -> None:
    assert Rejection.of_worker(1, 2, 3, 0, "bad", b"[" * 100_000).organization == ""


def test_long_bytes_are_cut() -> None:
    assert len(Rejection.of_worker(1, 2, 3, 0, "bad", b"x" * (RAW_BYTES_KEPT + 1)).raw) == RAW_BYTES_KEPT
    long_name = json.dumps({"organization": "o" * 5000, "event_id": "e" * 5000}).encode()
    refusal = Rejection.of_collector("r1", 5, "bad", long_name)
    assert (len(refusal.organization), len(refusal.event_id)) == (256, 256)
