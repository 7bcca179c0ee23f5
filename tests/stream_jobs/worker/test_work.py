"""Takes are cut by their bytes; logs name what is in work: each partition with its span of offsets."""

from types import SimpleNamespace

from stream_jobs.worker.work import portions, spans


def test_spans_of_offsets_by_partition() -> None:
    events = [
        SimpleNamespace(message=SimpleNamespace(partition=p, offset=o)) for p, o in ((4, 7), (3, 42), (3, 41), (4, 8))
    ]
    assert spans(events) == {"3": "41-42", "4": "7-8"}
    assert spans([]) == {}


def test_a_take_ends_with_the_envelope_that_fills_it() -> None:
    values = [b"12345", b"", b"1234567890", None, b"12345", b"1"]
    events = [SimpleNamespace(message=SimpleNamespace(value=value)) for value in values]
    assert list(portions(events, 10)) == [events[:3], events[3:]]
    assert list(portions(events, 1)) == [events[:1], events[1:3], events[3:5], events[5:]]
    assert list(portions([], 10)) == []
