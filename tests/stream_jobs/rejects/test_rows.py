"""Every record of the topic of refusals becomes one row, whatever its bytes."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.rejections.rejection import Rejection
from stream_jobs.rejects.rows import SCHEMA, Record, rejected_rows

KNOWN = Rejection.of_worker(1027, 5, 1_500, 3, "no model", b"\xff\x00", organization="acme", event_id="e1")


def test_a_refusal_becomes_a_row() -> None:
    frame = rejected_rows([Record(KNOWN.encoded(), "usage.rejected-0-1", 9)])
    assert frame.schema == SCHEMA | {"time": pl.Datetime("ms", "UTC")}
    assert frame.row(0, named=True) == {
        "rejection_id": "1027-5-3",
        "time": datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC),
        "source": "worker",
        "organization": "acme",
        "event_id": "e1",
        "api_key_id": "",
        "reason": "no model",
        "src_partition": 1027,
        "src_offset": 5,
        "src_index": 3,
        "raw": b"\xff\x00",
    }


@given(st.lists(st.binary(max_size=50)))
def test_foreign_bytes_become_rows_named_by_their_place(values: list[bytes]) -> None:
    records = [Record(value, f"usage.rejected-0-{offset}", 7) for offset, value in enumerate(values)]
    frame = rejected_rows(records)
    assert frame["rejection_id"].to_list() == [record.place for record in records]
    assert frame["raw"].to_list() == values
    assert set(frame["source"]) <= {"foreign"}
    assert all(reason.startswith("unreadable record of the topic of refusals") for reason in frame["reason"])


def test_the_same_record_twice_is_the_same_row() -> None:
    first, again = (rejected_rows([Record(KNOWN.encoded(), place, 9)]) for place in ("t-0-1", "t-0-2"))
    assert first.equals(again)
    foreign = Record(b"?", "t-0-3", 9)
    assert rejected_rows([foreign]).equals(rejected_rows([foreign]))


def test_nothing_is_an_empty_frame() -> None:
    assert rejected_rows([]).is_empty()


def altered(**change: object) -> bytes:
    return json.dumps(json.loads(KNOWN.encoded()) | change).encode()


POISON = {
    "deep": b"[" * 100_000,
    "half a character": Rejection.of_collector("r", 1, "bad", b'{"organization": "\\ud800"}').encoded(),
    "text for a time": altered(time_ms="soon"),
    "list for a text": altered(reason=[]),
    "partition too large": altered(src_partition=70_000),
    "negative place": altered(src_index=-1),
    "time beyond all clocks": altered(time_ms=10**30),
}


@pytest.mark.parametrize("value", POISON.values(), ids=POISON.keys())
def test_no_record_ends_the_job(value: bytes) -> None:
    assert rejected_rows([Record(value, "t-0-1", 9)]).height == 1
