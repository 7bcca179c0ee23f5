"""Logs name what is in work: each partition with its span of offsets."""

from types import SimpleNamespace

from stream_jobs.worker.work import spans


def test_spans_of_offsets_by_partition() -> None:
    events = [
        SimpleNamespace(message=SimpleNamespace(partition=p, offset=o)) for p, o in ((4, 7), (3, 42), (3, 41), (4, 8))
    ]
    assert spans(events) == {"3": "41-42", "4": "7-8"}
    assert spans([]) == {}
