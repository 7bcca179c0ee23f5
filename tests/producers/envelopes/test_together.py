"""Many envelopes decoded as one: each gives exactly what it gives alone, whatever its neighbours are."""

import gc
import random
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from producers.envelopes import arrow, ndjson
from producers.envelopes.columns import COLUMNS
from producers.envelopes.decoded import Decoded
from producers.envelopes.envelope import checked, decode_envelope, open_envelope
from producers.envelopes.together import Together
from tests.producers.envelopes.samples import block, line

GOOD = ndjson.decode(block(line(), line(user_id="second"), line(metadata={"a": "1"}, quantities={"requests": 1}))).frame


def with_second(**values: object) -> bytes:
    """GOOD as an Arrow envelope, with these values in its second row, types kept."""
    second = pl.col("user_id") == "second"
    return arrow.encode(
        GOOD.with_columns(
            pl.when(second).then(pl.lit(value, dtype=COLUMNS[name])).otherwise(name).alias(name)
            for name, value in values.items()
        )
    )


LINES = [
    block(line()),
    block(line(model="")),
    block(line(user_id="a"), line(rating=9), line(user_id="b"), line(time="25 o'clock"), line(metadata={"k": "v"})),
    b"\n \n",
    b"{}",
    b"no json\n" + block(line()),
    block(*[line(user_id=f"u{number}") for number in range(700)]),
]
ROWS = [
    arrow.encode(GOOD),
    arrow.encode(GOOD.clear()),
    with_second(rating=6),
    with_second(event_id=None),
    with_second(quantities='{"requests": 1.50}'),
    with_second(feature="a\x1fb"),
]
UNREADABLE = [b"", b"\xff\xff\xff\xffnothing", b"{}\n" * 1001, b"\x1f\x8bnonsense"]


def as_alone(together: Together, values: Sequence[bytes]) -> None:
    starts = np.cumsum([0, *together.heights]).tolist()
    assert len(together.heights) == len(together.rejected) == len(together.events) == len(values)
    for number, value in enumerate(values):
        alone = decode_envelope(value, None)
        rows = slice(starts[number], starts[number + 1])
        assert_frame_equal(together.frame[rows], alone.frame)
        assert together.index[rows].tolist() == alone.index.tolist()
        assert list(together.rejected[number]) == list(alone.rejected)
        assert together.events[number] == alone.frame.height + len(alone.rejected)


@pytest.mark.parametrize("kinds", [[LINES], [ROWS], [UNREADABLE], [LINES, ROWS, UNREADABLE]])
@pytest.mark.parametrize("seed", range(4))
def test_envelopes_decoded_together_give_what_each_gives_alone(kinds: list[list[bytes]], seed: int) -> None:
    chance = random.Random(seed)
    values = [chance.choice(chance.choice(kinds)) for _ in range(chance.choice([1, 2, 9, 25]))]
    as_alone(checked([open_envelope(value, None) for value in values]), values)


def test_many_single_events_are_read_in_blocks_and_each_keeps_its_place() -> None:
    values = [line(user_id=f"u{number}") if number % 500 else line(rating=9) for number in range(2_300)]
    as_alone(checked([open_envelope(value, None) for value in values]), values)


def test_what_is_wrong_in_a_later_block_is_found_at_its_place() -> None:
    wrong = {
        7: b"no json",
        1_003: line(time="25 o'clock"),
        1_500: line(event_id="call 1", source_id="call 2"),
        2_050: line(quantities={"requests": -1}),
        2_051: line(metadata={"k": "\x07"}),
        2_052: line(feature="a\x1fb"),
        2_100: line(reported_cost_usd="1e9"),
    }
    lines = [wrong.get(number, line(user_id=f"u{number}", reported_cost_usd="0.5")) for number in range(2_200)]
    decoded = ndjson.decode_lines(lines)
    assert [refused.index for refused in decoded.rejected] == list(wrong)
    assert [refused.raw for refused in decoded.rejected] == list(wrong.values())
    kept = [number for number in range(2_200) if number not in wrong]
    assert decoded.index.tolist() == kept
    assert decoded.frame["user_id"].to_list() == [f"u{number}" for number in kept]


def test_refused_lines_leave_nothing_to_the_garbage_collector() -> None:
    block_of_both = block(*[line()] * 40, *[line(rating=9), b"no json"] * 5)
    ndjson.decode(block_of_both)
    gc.collect()
    gc.disable()
    try:
        ndjson.decode(block_of_both)
        ndjson.decode_lines([b'{"event_id": "x", "model": "m"}', b"{}"], "acme")
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_what_is_decoded_already_stays_as_it_is() -> None:
    decoded = ndjson.decode(LINES[2])
    assert decoded.rejected
    found = checked([decoded, decoded])
    assert found.heights.tolist() == [3, 3]
    assert [list(refused) for refused in found.rejected] == [list(decoded.rejected)] * 2
    assert isinstance(open_envelope(b"", None), Decoded)
