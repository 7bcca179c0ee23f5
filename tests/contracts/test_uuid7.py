"""UUID version 7: the layout of RFC 9562, and the time back out of it."""

import time
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentally import uuid7
from tokentally.uuid7 import unix_ms_of


@given(st.integers(0, 2**48 - 1))
def test_holds_its_time_version_and_variant(unix_ms: int) -> None:
    made = uuid7(unix_ms)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert unix_ms_of(made) == unix_ms


def test_is_of_now_and_never_the_same() -> None:
    before = time.time_ns() // 1_000_000
    made = {uuid7() for _ in range(1000)}
    after = time.time_ns() // 1_000_000
    assert len(made) == 1000
    assert all(before <= (unix_ms_of(each) or 0) <= after for each in made)


@given(st.integers(0, 2**48 - 2))
def test_sorts_by_time(unix_ms: int) -> None:
    assert uuid7(unix_ms) < uuid7(unix_ms + 1)


def test_every_random_bit_varies() -> None:
    ids = [uuid7(0).int for _ in range(200)]
    fixed = (0xF << 76) | (0b11 << 62)
    ones, zeros = 0, 0
    for each in ids:
        ones |= each
        zeros |= ~each
    assert ones & zeros & ((1 << 80) - 1) == ((1 << 80) - 1) & ~fixed


def test_the_example_of_the_standard() -> None:
    assert unix_ms_of(UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")) == 1_645_557_742_000


def test_other_versions_hold_no_time() -> None:
    assert unix_ms_of(uuid4()) is None
    assert unix_ms_of(UUID("017f22e2-79b0-7cc3-18c4-dc0c0c07398f")) is None, "another variant"


@pytest.mark.parametrize("unix_ms", [-1, 2**48])
def test_refuses_a_time_that_does_not_fit(unix_ms: int) -> None:
    with pytest.raises(ValueError, match="holds 0 to 281474976710655 Unix milliseconds"):
        uuid7(unix_ms)
