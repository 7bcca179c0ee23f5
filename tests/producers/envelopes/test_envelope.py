"""One Kafka message, whatever is in it."""

import gzip
import io

import polars as pl
import pytest
import zstandard
from polars.testing import assert_frame_equal

from producers.envelopes import arrow, ndjson
from producers.envelopes.envelope import decode_envelope, encode_envelope
from tests.producers.envelopes.samples import block, line
from tokentally.envelope import ARROW_STREAM, NDJSON

LINES = block(line(), line(model=""), line())
ARROW = arrow.encode(ndjson.decode(LINES).frame)


@pytest.mark.parametrize("content_type", [NDJSON, None, "application/x-ndjson; charset=utf-8", ""])
@pytest.mark.parametrize(
    "value",
    [
        LINES,
        gzip.compress(LINES),
        gzip.compress(LINES[:50]) + gzip.compress(LINES[50:]),
        zstandard.compress(LINES),
        zstandard.compress(LINES[:50]) + zstandard.compress(LINES[50:]),
        zstandard.ZstdCompressor(write_content_size=False).compress(LINES),
    ],
)
def test_lines_are_read_whatever_their_compression(value: bytes, content_type: str | None) -> None:
    decoded = decode_envelope(value, content_type)
    assert decoded.index.tolist() == [0, 2]
    assert [rejected.index for rejected in decoded.rejected] == [1]


@pytest.mark.parametrize("content_type", [ARROW_STREAM, None])
def test_arrow_is_read(content_type: str | None) -> None:
    assert decode_envelope(ARROW, content_type).index.tolist() == [0, 1]


@pytest.mark.parametrize("events", [1, 1000])
def test_what_is_written_can_be_read_and_a_single_event_is_small(events: int) -> None:
    frame = ndjson.decode(block(*[line()] * events)).frame
    value = encode_envelope(frame)
    assert_frame_equal(decode_envelope(value, ARROW_STREAM).frame, frame)
    assert len(value) < 2_000 + 60 * events


BOMB = b" " * 8_000_001


@pytest.mark.parametrize(
    ("value", "content_type", "expected"),
    [
        (b"", None, "empty"),
        (b"", ARROW_STREAM, "cannot be read"),
        (LINES, "text/csv", "unknown content-type 'text/csv'"),
        (LINES, ARROW_STREAM, "not an Arrow IPC stream"),
        (ARROW[:-200], ARROW_STREAM, "cut off"),
        (gzip.compress(LINES)[:-20], None, "gzip data is cut off"),
        (zstandard.compress(LINES)[:-20], None, "zstd data"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(LINES)[:-20], None, "zstd data is cut off"),
        (b"\x1f\x8bnonsense", None, "gzip data cannot be read"),
        (b"\x28\xb5\x2f\xfd\xff\xff\xff\xff", None, "zstd data cannot be read"),
        (gzip.compress(BOMB), None, "unfolds to more than 8000000 bytes"),
        (zstandard.compress(BOMB), None, "unfolds to more than 8000000 bytes"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(BOMB), None, "unfolds to more than"),
        (BOMB, None, "at most 8000000"),
        (gzip.compress(b"") * 2_001, None, "more than 2000 gzip members"),
        (zstandard.compress(b"") * 2_001, None, "more than 2000 zstd frames"),
    ],
)
def test_what_cannot_be_read_is_one_refusal_of_the_whole(value: bytes, content_type: str | None, expected: str) -> None:
    decoded = decode_envelope(value, content_type)
    assert decoded.frame.is_empty()
    [rejected] = decoded.rejected
    assert rejected.index is None
    assert expected in rejected.reason
    assert rejected.raw == value


@pytest.mark.parametrize("packed", [False, True])
def test_e29_rows_that_share_one_long_text_are_refused_before_anything_is_made_of_them(*, packed: bool) -> None:
    frame = ndjson.decode(block(*[line()] * 1000)).frame
    shared = pl.Series("feature", ["x" * 1_000_000]).new_from_index(0, frame.height)
    out = io.BytesIO()
    frame.with_columns(shared).write_ipc_stream(out, compression="uncompressed")
    value = zstandard.compress(out.getvalue()) if packed else out.getvalue()
    assert len(value) < 2_000_000
    [rejected] = decode_envelope(value, None).rejected
    assert rejected.index is None
    assert "rows of the envelope unfold to 10002" in rejected.reason


def test_a_large_window_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    value = compressor.compress(LINES) + compressor.flush()
    assert "zstd data cannot be read" in decode_envelope(value, None).rejected[0].reason


def test_a_file_instead_of_a_stream_is_refused() -> None:
    out = io.BytesIO()
    pl.DataFrame({"a": [1]}).write_ipc(out)
    assert "not an Arrow IPC stream" in decode_envelope(out.getvalue(), ARROW_STREAM).rejected[0].reason
