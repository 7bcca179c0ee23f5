"""Long work in parts: no more events at once than wanted, and no more time than there are events."""

from stream_jobs.rollups.spans import parts


def test_parts_reach_from_the_first_to_the_end_of_the_last_quarter_hour() -> None:
    assert parts([(900, 4), (1800, 3), (9000, 2), (9900, 9)], 7) == [(900, 9000), (9000, 9900), (9900, 10_800)]
    assert parts([(900, 400)], 7) == [(900, 1800)]
    assert parts([], 7) == []
