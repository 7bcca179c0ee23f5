"""Packing: every row gets exactly one place, and no envelope exceeds its limits."""

from itertools import count

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from producers.collector.intake import Part
from producers.collector.packer import Envelope, Packer


def part(partition: int, sizes: list[int], label: int = 0) -> Part:
    frame = pl.DataFrame({"row": [label * 1000 + row for row in range(len(sizes))]}, schema={"row": pl.Int64})
    return Part(partition, frame, np.arange(len(sizes)), np.array(sizes, np.int64))


@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(1, 150), max_size=30)), max_size=12))
def test_every_row_has_one_place_within_the_limits(parts: list[tuple[int, list[int]]]) -> None:
    numbers = count()
    packer: Packer[int] = Packer(10, 100, lambda: next(numbers))
    closed: list[Envelope[int]] = []
    places: dict[int, tuple[int, int]] = {}
    for label, (partition, sizes) in enumerate(parts):
        packed = packer.put(part(partition, sizes, label))
        closed += packed.closed
        assert packed.opened is None or packed.opened.partition == partition
        for slot in packed.slots:
            for row in range(slot.count):
                places[label * 1000 + slot.first + row] = (slot.envelope.outcome, slot.start + row)
    closed += packer.close_all()
    found: dict[int, tuple[int, int]] = {}
    for envelope in closed:
        rows = pl.concat(envelope.frames)["row"].to_list()
        found |= {row: (envelope.outcome, position) for position, row in enumerate(rows)}
        assert envelope.events == len(rows) <= 10
        assert envelope.bytes <= 100 or envelope.events == 1
    assert found == places
    assert len(found) == sum(len(sizes) for _, sizes in parts)


def test_a_full_envelope_is_closed_at_once_and_the_rest_waits() -> None:
    packer: Packer[None] = Packer(10, 1000, lambda: None)
    packed = packer.put(part(3, [1] * 25))
    assert [envelope.events for envelope in packed.closed] == [10, 10]
    assert packed.opened is not None
    assert packed.opened.events == 5
    assert packer.put(part(3, [1] * 4)).opened is None
    assert packer.close(packed.opened)
    assert not packer.close(packed.opened)


def test_a_timer_of_a_closed_envelope_does_not_close_the_next_one() -> None:
    packer: Packer[None] = Packer(2, 1000, lambda: None)
    first = packer.put(part(0, [1])).opened
    assert first is not None
    second = packer.put(part(0, [1, 1])).opened
    assert second is not None
    assert not packer.close(first)
    assert packer.close_all() == [second]
