"""Arrays of any length are read element by element; damage is named after the elements before it."""

import io
from decimal import Decimal

import pytest

from producers.importers.errors import UnreadableSource
from producers.importers.json_stream import MAX_DEPTH, elements


def read(text: str, member: str | None = None) -> list[object]:
    return list(elements(io.BytesIO(text.encode()), member))


def test_elements_of_the_whole_and_of_a_member() -> None:
    values = [{"a": [1, {"b": None}]}, [], 2, "x", True, None, {}]
    text = '[{"a": [1, {"b": null}]}, [], 2, "x", true, null, {}]'
    assert read(text) == values
    assert read(f'{{"other": [9], "inner": {{"rows": [8]}}, "rows": {text}, "last": [7]}}', "rows") == values
    assert read("\ufeff" + text) == values
    assert read('{"other": []}', "rows") == read("[]") == []


def test_decimals_keep_every_digit() -> None:
    assert read("[0.008015000000000001, 1e-7]") == [Decimal("0.008015000000000001"), Decimal("1e-7")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"a": 1}, {"a": ', "breaks off or is damaged"),
        ('[{"a": 1}, nonsense]', "breaks off or is damaged"),
        ('[{"a": 1}, ' + "[" * MAX_DEPTH, "nested more than 64 levels"),
    ],
)
def test_damage_is_named_after_the_elements_before_it(text: str, problem: str) -> None:
    stream = elements(io.BytesIO(text.encode()), None)
    assert next(stream) == {"a": 1}
    with pytest.raises(UnreadableSource, match=problem):
        next(stream)


def test_endless_nesting_needs_no_memory() -> None:
    with pytest.raises(UnreadableSource, match="nested more than"):
        read("[" * 200_000)
