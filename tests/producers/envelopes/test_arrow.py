"""Arrow envelopes: what anyone may have written to Kafka is checked completely; bad rows fall out one by one."""

import io
import json
import random
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from producers.envelopes import arrow, ndjson
from producers.envelopes.arrow_size import unpacked_bytes
from producers.envelopes.columns import COLUMNS
from tests.producers.envelopes.samples import UUID7, block, line

GOOD = ndjson.decode(block(line(), line(user_id="bad"), line(metadata={"a": "1"}, quantities={"requests": 1}))).frame
BAD = pl.col("user_id") == "bad"


def stream(frame: pl.DataFrame, **options: Any) -> bytes:
    out = io.BytesIO()
    frame.write_ipc_stream(out, **options)
    return out.getvalue()


def with_bad(**values: Any) -> pl.DataFrame:
    """GOOD with these values in its second row, types kept."""
    return GOOD.with_columns(
        pl.when(BAD).then(pl.lit(value, dtype=COLUMNS[name])).otherwise(name).alias(name)
        for name, value in values.items()
    )


def test_a_frame_survives() -> None:
    decoded = arrow.decode(arrow.encode(GOOD))
    assert_frame_equal(decoded.frame, GOOD)
    assert decoded.index.tolist() == [0, 1, 2]
    assert decoded.rejected == []


def test_other_buffers_and_several_batches_are_read_too() -> None:
    for value in (
        stream(GOOD),
        stream(GOOD, compression="lz4"),
        stream(GOOD, compat_level=pl.CompatLevel.oldest()),
        stream(pl.concat([GOOD[:1], GOOD[1:]], rechunk=False)),
    ):
        assert_frame_equal(arrow.decode(value).frame, GOOD)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"event_id": b"short"}, "event_id: must be 16 bytes, not 5"),
        ({"event_id": None}, "null in event_id"),
        ({"organization": ""}, "organization"),
        ({"organization": "x" * 129}, "organization"),
        ({"organization": None, "model": None}, "null in organization, model"),
        ({"user_id": "bad", "department": "é" * 257}, "department"),
        ({"feature": "a\x1fb"}, "feature: control characters are not allowed"),
        ({"feature": "a\x7fb"}, "feature: control characters are not allowed"),
        ({"prompt_preview": "a\x00b"}, "prompt_preview"),
        ({"event_type": "other"}, "event_type"),
        ({"status": ""}, "status"),
        ({"input_tokens": -1}, "input_tokens"),
        ({"output_video_tokens": 10**12 + 1}, "output_video_tokens"),
        ({"duration_ms": -1}, "duration_ms"),
        ({"rating": 6}, "rating"),
        ({"reported_cost_nano_usd": -1}, "reported_cost_usd"),
        ({"reported_cost_nano_usd": 10**15 + 1}, "reported_cost_nano_usd"),
        ({"model": "", "feature": "", "quantities": ""}, "nothing used"),
        ({"model": "", "quantities": "{}"}, "nothing used"),
        ({"quantities": '{"requests":-1}'}, "quantities.requests"),
        ({"quantities": "nonsense"}, "quantities: must be a JSON object"),
        ({"metadata": '{"a":1}'}, "metadata.a"),
        ({"metadata": "[]"}, "metadata"),
    ],
)
def test_a_bad_row_falls_out_alone(values: dict[str, Any], expected: str) -> None:
    decoded = arrow.decode(stream(with_bad(**values)))
    assert_frame_equal(decoded.frame, GOOD.filter(~BAD))
    assert decoded.index.tolist() == [0, 2]
    [rejected] = decoded.rejected
    assert rejected.index == 1
    assert expected in rejected.reason
    assert isinstance(json.loads(rejected.raw), dict)


@pytest.mark.parametrize("milliseconds", [-(2**63), 2**63 - 1, 253_402_300_800_000, -62_135_596_800_001])
def test_times_beyond_the_calendar_are_refused(milliseconds: int) -> None:
    time = pl.when(BAD).then(pl.lit(milliseconds)).otherwise(pl.col("time").to_physical()).cast(COLUMNS["time"])
    decoded = arrow.decode(stream(GOOD.with_columns(time.alias("time"))))
    assert [rejected.reason for rejected in decoded.rejected] == ["time: lies outside the years 1 to 9999"]


def test_objects_in_another_spelling_are_brought_into_the_canonical_one() -> None:
    decoded = arrow.decode(stream(with_bad(metadata='{"b": "2", "a": "1"}', quantities='{"requests": 1.50}')))
    assert decoded.rejected == []
    assert decoded.frame["metadata"][1] == '{"a":"1","b":"2"}'
    assert decoded.frame["quantities"][1] == '{"requests":1.5}'


def test_long_text_of_few_characters_is_no_doubt() -> None:
    decoded = arrow.decode(stream(with_bad(department="é" * 256)))
    assert decoded.rejected == []


def test_an_envelope_of_a_version_without_service_tiers_is_read() -> None:
    """The log keeps what earlier senders wrote; a replay reads it years later."""
    decoded = arrow.decode(stream(GOOD.drop("service_tier")))
    assert decoded.rejected == []
    assert_frame_equal(decoded.frame, GOOD)


def test_a_service_tier_survives_and_an_unknown_one_is_refused() -> None:
    served = with_bad(service_tier="batch")
    assert_frame_equal(arrow.decode(stream(served)).frame, served)
    [rejected] = arrow.decode(stream(with_bad(service_tier="overnight"))).rejected
    assert "service_tier: Input should be" in rejected.reason


@pytest.mark.parametrize(
    "frame",
    [
        GOOD.drop("rating"),
        GOOD.drop("service_tier", "rating"),
        GOOD.drop("service_tier").select(reversed(GOOD.drop("service_tier").columns)),
        GOOD.with_columns(pl.lit(1).alias("more")),
        GOOD.with_columns(pl.col("input_tokens").cast(pl.Int32)),
        GOOD.with_columns(pl.col("time").cast(pl.Datetime("us", "UTC"))),
        GOOD.with_columns(pl.col("time").dt.replace_time_zone(None)),
        GOOD.select(reversed(GOOD.columns)),
        pl.DataFrame({"a": [[1]]}),
    ],
)
def test_other_columns_are_refused_whole(frame: pl.DataFrame) -> None:
    decoded = arrow.decode(stream(frame))
    assert decoded.frame.is_empty()
    [rejected] = decoded.rejected
    assert rejected.index is None
    assert "columns" in rejected.reason or "other messages" in rejected.reason


def test_too_many_rows_are_refused_whole() -> None:
    decoded = arrow.decode(arrow.encode(pl.concat([GOOD] * 334)))
    assert [rejected.reason for rejected in decoded.rejected] == [
        "1002 events in one envelope; at most 1000 are allowed"
    ]


def test_an_envelope_that_unfolds_too_far_is_not_unfolded() -> None:
    value = stream(pl.DataFrame({"a": ["x" * 20_000_000]}), compression="zstd")
    assert len(value) < 10_000
    [rejected] = arrow.decode(value).rejected
    assert "at most 8000000 are allowed" in rejected.reason


def test_the_unpacked_size_is_that_of_the_buffers() -> None:
    plain, packed = stream(GOOD), arrow.encode(GOOD)
    assert unpacked_bytes(plain) == pytest.approx(unpacked_bytes(packed), rel=0.1)


def test_damage_is_refused_or_harmless() -> None:
    chance = random.Random(7)
    value = arrow.encode(GOOD)
    for _ in range(400):
        damaged = bytearray(value)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        decoded = arrow.decode(bytes(damaged[: chance.choice([len(value), chance.randrange(len(value))])]))
        assert decoded.frame.schema == COLUMNS


def test_the_row_of_a_refusal_is_readable() -> None:
    [rejected] = arrow.decode(stream(with_bad(rating=9))).rejected
    assert json.loads(rejected.raw)["event_id"] == UUID(UUID7).hex
