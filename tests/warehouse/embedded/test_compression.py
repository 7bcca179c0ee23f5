"""Bodies are decoded whole or refused; answers are encoded so that they decode."""

import gzip
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
import zstandard

from warehouse.embedded.compression import chosen_encoding, decoded, encoder
from warehouse.embedded.errors import ClickHouseError

ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": zstandard.compress,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}
FRAMES = [b"first " * 100_000, b"second", b"third " * 7]
encodings = pytest.mark.parametrize("encoding", ENCODE)


def chunks(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


@encodings
@pytest.mark.parametrize("chunk_size", [7, 1000, 1 << 30])
def test_every_frame_is_decoded_wherever_the_chunks_are_cut(encoding: str, chunk_size: int) -> None:
    body = b"".join(map(ENCODE[encoding], FRAMES))
    assert b"".join(decoded(encoding, chunks(body, chunk_size))) == b"".join(FRAMES)


@encodings
@pytest.mark.parametrize("missing", [1, 5])
def test_a_last_frame_that_is_cut_short_is_refused(encoding: str, missing: int) -> None:
    body = b"".join(map(ENCODE[encoding], FRAMES))
    with pytest.raises(ClickHouseError, match="cut short") as caught:
        list(decoded(encoding, [body[:-missing]]))
    assert caught.value.code == 271


@encodings
def test_damaged_data_are_refused(encoding: str) -> None:
    with pytest.raises(ClickHouseError, match="CANNOT_DECOMPRESS"):
        list(decoded(encoding, [b"this is no compressed data at all"]))


def test_no_encoding_leaves_the_chunks_alone() -> None:
    assert list(decoded("identity", [b"a", b"b"])) == [b"a", b"b"]
    assert list(decoded("", iter([b"a"]))) == [b"a"]


def test_an_unknown_encoding_is_refused_by_name() -> None:
    with pytest.raises(ClickHouseError, match=r"'br'.*lz4"):
        decoded("br", [b""])


@encodings
def test_an_encoded_answer_decodes(encoding: str) -> None:
    coder = encoder(encoding)
    body = b"".join([*map(coder.compress, FRAMES), coder.flush()])
    assert b"".join(decoded(encoding, [body])) == b"".join(FRAMES)


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", None),
        ("br", None),
        ("gzip, deflate", "gzip"),
        ("deflate;q=0.5", "deflate"),
        ("zstd, LZ4, gzip", "lz4"),
        ("lz4;q=0, gzip;q=1.0", "gzip"),
    ],
)
def test_the_cheapest_accepted_encoding_is_chosen(accepted: str, chosen: str | None) -> None:
    assert chosen_encoding(accepted) == chosen
