"""Reads a JSON file element by element: a file of any size in, the elements of one array out.

Numbers with a fraction become Decimal, so no digit of a price is lost. Nesting is bounded, because a damaged file can
nest without end.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

import ijson  # type: ignore[import-untyped]

from producers.importers.errors import UnreadableSource

MAX_DEPTH: Final = 64

_STARTS: Final = frozenset({"start_map", "start_array"})
_ENDS: Final = frozenset({"end_map", "end_array"})
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def events(file: BinaryIO) -> Iterator[tuple[int, str, object]]:
    """The parser's events (start_map, map_key, string, …), each with the number of containers around it.

    Raises UnreadableSource when the text is no JSON or breaks off.
    """
    file.seek(0)
    if file.read(3) != _BYTE_ORDER_MARK:
        file.seek(0)
    depth = 0
    try:
        for event, value in ijson.basic_parse(file):
            depth -= event in _ENDS
            yield depth, event, value
            depth += event in _STARTS
            if depth > MAX_DEPTH:
                raise UnreadableSource(f"the JSON is nested more than {MAX_DEPTH} levels deep")
    except ijson.JSONError as failure:
        raise UnreadableSource(
            f"the JSON breaks off or is damaged: {' '.join(str(failure).split())[:200]}"
        ) from failure


def elements(file: BinaryIO, member: str | None) -> Iterator[object]:
    """The elements of the array that is the whole file, or that is this member of the file's object.

    Raises UnreadableSource as `events` does, after the elements before the damage.
    """
    array_depth = 0 if member is None else 1
    reached, key, builder = False, None, None
    for depth, event, value in events(file):
        if not reached:
            reached = event == "start_array" and depth == array_depth and key == member
            key = value if event == "map_key" and depth == 1 else key
            continue
        if depth == array_depth:
            return
        builder = builder or ijson.ObjectBuilder()
        builder.event(event, value)
        if depth == array_depth + 1 and event not in _STARTS:
            yield builder.value
            builder = None
