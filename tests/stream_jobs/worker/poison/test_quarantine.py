"""Envelopes around what is set apart: the others keep their places, what is held is refused and never looked into."""

import pytest

from producers.envelopes import ndjson, sent
from producers.envelopes.decoded import Decoded
from producers.envelopes.envelope import checked, decode_envelope, encode_envelope
from producers.envelopes.partly import event_bytes, event_count
from producers.envelopes.sent import SentLines
from stream_jobs.worker.poison.quarantine import WHOLE, Held, Quarantine
from tests.producers.envelopes.samples import block, line

BAD = line(model="")
LINES = block(line(), BAD, line(), line())
ARROW = encode_envelope(ndjson.decode(block(line(), line(), line(), line())).frame)


@pytest.mark.parametrize(("value", "bad"), [(LINES, [1]), (ARROW, [])])
def test_e29_events_that_are_held_are_left_out_and_the_others_keep_their_places(value: bytes, bad: list[int]) -> None:
    quarantine = Quarantine()
    quarantine.hold(7, {2: Held("quarantined: it kills", b"raw")})
    decoded = quarantine.opened(7, value, None)
    assert isinstance(decoded, Decoded)
    everything = decode_envelope(value, None)
    assert decoded.index.tolist() == [index for index in everything.index.tolist() if index != 2]
    assert [each.index for each in decoded.rejected] == [*bad, 2]
    assert decoded.rejected[-1].reason == "quarantined: it kills"
    assert decoded.rejected[-1].raw == b"raw"
    assert checked([quarantine.opened(8, value, None)]).frame.equals(everything.frame)


def test_e29_a_whole_envelope_that_is_held_is_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    quarantine = Quarantine({7: {WHOLE: Held("quarantined: it kills")}})
    monkeypatch.setattr("stream_jobs.worker.poison.quarantine.open_envelope", pytest.fail)
    monkeypatch.setattr("stream_jobs.worker.poison.quarantine.decode_without", pytest.fail)
    decoded = quarantine.opened(7, LINES, None)
    assert isinstance(decoded, Decoded)
    [rejected] = decoded.rejected
    assert rejected.index is None
    assert rejected.raw == LINES


def test_e29_lines_that_are_held_are_never_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def read_lines(lines: list[bytes]) -> SentLines:
        seen.extend(lines)
        return real(lines)

    real = sent.read_lines
    monkeypatch.setattr(sent, "read_lines", read_lines)
    Quarantine({7: {1: Held("")}}).opened(7, LINES, None)
    assert BAD not in seen
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("value", "count"), [(LINES, 4), (ARROW, 4), (b"\x1f\x8bnonsense", None), (b"", None), (b"{}\n" * 1001, None)]
)
def test_events_are_counted_without_looking_into_them(value: bytes, count: int | None) -> None:
    assert event_count(value, None) == count


def test_the_bytes_of_one_event_are_its_line_or_its_row_as_json() -> None:
    assert event_bytes(LINES, None, 1) == BAD
    assert b'"model"' in event_bytes(ARROW, None, 1)
