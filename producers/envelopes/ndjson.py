"""NDJSON to columns: lines of JSON in, a frame of valid events out; one bad line never costs a good one.

The usual events are read by msgspec and checked by columns. A line that this fast path does not like, or cannot judge,
is read again by UsageEvent, whose word is final: a line is accepted if and only if UsageEvent accepts it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import polars as pl
from pydantic import ValidationError

from producers.envelopes import sent
from producers.envelopes.columns import empty_frame
from producers.envelopes.decoded import Decoded, Rejected, RejectionKind, refusal, refused_whole
from producers.envelopes.doubts import doubts
from producers.envelopes.merge import merged
from tokentally import UsageEvent
from tokentally.envelope import MAX_EVENTS

LINES_AT_ONCE: Final = 1000
"""Lines that are read into Python objects together: more would not fit into a processor's caches."""


def lines_of(block: bytes) -> list[bytes]:
    """The lines that are not blank."""
    return [line for line in block.split(b"\n") if line and not line.isspace()]


def decode(block: bytes, max_events: int = MAX_EVENTS) -> Decoded:
    """The valid events of an NDJSON block; never raises on its content. More than `max_events` are refused whole."""
    lines = opened(block, max_events)
    return lines if isinstance(lines, Decoded) else decode_lines(lines)


def opened(block: bytes, max_events: int = MAX_EVENTS) -> Decoded | list[bytes]:
    """The lines of an envelope, not read yet, or the refusal of the whole."""
    lines = lines_of(block)
    if len(lines) > max_events:
        return refused_whole(f"{len(lines)} events in one envelope; at most {max_events} are allowed", block)
    return lines


def decode_lines(lines: Sequence[bytes], organization: str = "") -> Decoded:
    """The valid events among JSON texts, one event each; whose envelopes they come from makes no difference.

    organization: filled in where an event names none.
    """
    if not lines:
        return Decoded(empty_frame(), np.empty(0, np.uint32), [])
    starts = range(0, len(lines), LINES_AT_ONCE)
    blocks = [sent.read_lines(lines[start : start + LINES_AT_ONCE]) for start in starts]
    index = np.concatenate([block.index + np.uint32(start) for start, block in zip(starts, blocks, strict=True)])
    again = {start + place for start, block in zip(starts, blocks, strict=True) for place in block.again}
    frame, wrong = sent.as_events(pl.concat([block.sent for block in blocks]), organization)
    again.update(index[wrong].tolist())
    doubtful = doubts(frame)
    if doubtful is not None:
        again.update(index[doubtful.to_numpy()].tolist())
    if not again:
        return Decoded(frame, index, [])
    return _looked_at_again(lines, organization, Decoded(frame, index, []), again)


def _looked_at_again(lines: Sequence[bytes], organization: str, read: Decoded, again: set[int]) -> Decoded:
    sure = ~np.isin(read.index, list(again))
    decided: dict[int, UsageEvent] = {}
    rejected: list[Rejected] = []
    for place in sorted(again):
        event = _second_look(place, lines[place], organization)
        if isinstance(event, Rejected):
            rejected.append(event)
        else:
            decided[place] = event
    return merged(read.frame.filter(sure), read.index[sure], decided, rejected)


def _second_look(place: int, line: bytes, organization: str) -> UsageEvent | Rejected:
    # No name may keep an exception: it would hold this take in a cycle until the garbage collector comes by.
    try:
        return UsageEvent.model_validate_json(line)
    except ValidationError as problem:
        if not (organization and _names_no_organization(problem)):
            return _rejected(place, line, problem)
    try:
        return UsageEvent.model_validate_json(_with_organization(line, organization))
    except ValidationError as problem:
        return _rejected(place, line, problem)


def _names_no_organization(problem: ValidationError) -> bool:
    return any(each["type"] == "missing" and each["loc"] == ("organization",) for each in problem.errors())


def _rejected(place: int, line: bytes, problem: ValidationError) -> Rejected:
    broken = any(each["type"] == "json_invalid" for each in problem.errors(include_url=False))
    kind = RejectionKind.NOT_JSON if broken else RejectionKind.INVALID
    return Rejected(place, refusal(problem), line, kind)


def _with_organization(line: bytes, organization: str) -> bytes:
    """The object with `organization` as its first member; `line` is an object that has none."""
    rest = line.lstrip()[1:]
    separator = b"" if rest.lstrip().startswith(b"}") else b","
    return b'{"organization":' + msgspec.json.encode(organization) + separator + rest
