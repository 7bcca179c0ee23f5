"""Which of the days that are asked for are done together."""

from dataclasses import replace
from datetime import date, timedelta

from stream_jobs.worker.requests import MOST_EVENTS, MOST_SLICES, WIDEST, Request, bundles, mark_of

FIRST = date(2026, 3, 1)


def request(day: int = 0, organization: str = "acme", partition: int = 0, repair_id: str = "r") -> Request:
    return Request(repair_id, partition, organization, FIRST + timedelta(days=day), 1)


def sizes(found: list[Request], events: dict[Request, int] | None = None) -> list[int]:
    counts = {each.place: count for each, count in (events or {}).items()}
    made = bundles(found, counts)
    assert [each for those in made for each in those] == found
    return [len(those) for those in made]


def test_days_of_one_job_in_one_partition_are_done_together_whose_ever_they_are() -> None:
    assert sizes([request(0), request(1), request(0, "zen"), request(9, "zen")]) == [4]


def test_other_jobs_partitions_and_slices_that_were_begun_are_done_apart() -> None:
    found = [request(), request(1, repair_id="s"), request(2, partition=1, repair_id="s")]
    assert sizes([*found, replace(found[-1], day=FIRST, version=2)]) == [1, 1, 1, 1]


def test_a_bundle_has_so_many_slices_and_no_more() -> None:
    assert sizes([request(0, f"o{number}") for number in range(2 * MOST_SLICES + 1)]) == [MOST_SLICES, MOST_SLICES, 1]


def test_days_of_many_events_are_done_alone() -> None:
    found = [request(day) for day in range(5)]
    half = MOST_EVENTS // 2
    assert sizes(found, dict(zip(found, (half, half, 1, 3 * half, 0), strict=True))) == [2, 1, 1, 1]
    assert sizes(found, dict.fromkeys(found, MOST_EVENTS)) == [1] * 5


def test_days_that_lie_far_apart_are_done_apart() -> None:
    assert sizes([request(0), request(WIDEST.days - 1), request(WIDEST.days), request(0, "zen")]) == [2, 1, 1]


def test_names_of_a_bundle_fit_into_an_address() -> None:
    """Between quotes, which count; a slash or a quote takes three bytes each there, and a quote a backslash too."""
    assert sizes([request(0, f"{number:04}" * 250) for number in range(9)]) == [7, 2]
    assert sizes([request(0, "\u00e9" * 250 + str(number)) for number in range(9)]) == [5, 4]
    assert sizes([request(0, "/" * 250 + str(number)) for number in range(11)]) == [10, 1]
    assert sizes([request(0, "'" * 250 + str(number)) for number in range(6)]) == [5, 1]


def test_several_slices_have_the_mark_of_their_job_and_one_has_its_own() -> None:
    first, second = request(0), request(1)
    assert mark_of([first]) != mark_of([second])
    assert mark_of([first, second]) == mark_of([second, first]) == ("together", "r", 0)
