"""A cursor comes back as it was given, and nothing else is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursor import decoded, encoded
from api.errors import InvalidParameter


@given(st.integers(-(2**53), 2**53), st.text(max_size=130))
def test_round_trip(number: int, text: str) -> None:
    assert decoded(encoded(number, text), int, str) == [number, text]


@given(st.text(max_size=60))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        decoded("!" + text, int)


@pytest.mark.parametrize("cursor", [encoded(1), encoded("a", "b"), encoded(), "e30", "bnVsbA"])
def test_other_parts_are_refused(cursor: str) -> None:
    with pytest.raises(InvalidParameter, match="is none that this route gave"):
        decoded(cursor, int, str)
