"""Which slice is next: of whose partitions, of which job, and what becomes of a job that waits and is cancelled."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from stream_jobs.worker import jobs as module
from stream_jobs.worker.jobs import Jobs
from tests.stream_jobs.worker.jobs_desk import VOID, Desk, asking_the_desk, jobs_at
from warehouse.errors import WarehouseRefused

APPLIED = {0: 1000}
REPLAY: dict[str, object] = {"first": "2026-01-01"}


@pytest.fixture(autouse=True)
def asking() -> Iterator[None]:
    with asking_the_desk():
        yield


def test_a_look_during_which_the_partitions_change_finds_nothing_and_is_done_again(tmp_path: Path) -> None:
    desk = Desk()
    desk.ask("of before", "acme", 2, home=0)
    desk.ask("of after", "acme", 2, home=1)
    jobs = jobs_at(desk, tmp_path)
    desk.looking = jobs.forget
    assert jobs.next({0: 1000}, 0) is None
    assert desk.asked["of before"].state == "asked"
    assert jobs.due()
    desk.looking = lambda: None
    work = jobs.next({1: 1000}, 1)
    assert work is not None
    assert work.requests[0].repair_id == "of after"


def test_what_was_applied_before_the_partitions_changed_is_not_looked_at(tmp_path: Path) -> None:
    desk = Desk()
    desk.ask("of before", "acme", 2)
    jobs = jobs_at(desk, tmp_path)
    asked_when = jobs.forgotten
    jobs.forget()
    assert jobs.next(APPLIED, asked_when) is None
    assert jobs.due()


def test_a_slice_that_was_found_before_the_partitions_changed_is_not_given_out(tmp_path: Path) -> None:
    desk = Desk()
    desk.ask("of before", "acme", 2)
    jobs = jobs_at(desk, tmp_path)
    assert jobs.next(APPLIED, 0) is not None
    jobs.forget()
    assert jobs.next({1: 1000}, 1) is None


def done(desk: Desk, jobs: Jobs) -> Iterator[str]:
    """The slices in the order in which they are done, by the id of their job; each takes as long as looks are apart."""
    with patch.object(module, "LOOK_SECONDS", 0.0):
        while (work := jobs.next(APPLIED, 0)) is not None:
            desk.do(*work.requests)
            yield work.requests[0].repair_id


@pytest.mark.parametrize(("kind", "body"), [("void", VOID), ("replay", REPLAY), ("erase", {"user_id": "u"})])
def test_a_job_that_waits_behind_a_paused_one_is_cancelled_at_once(
    tmp_path: Path, kind: str, body: dict[str, object]
) -> None:
    desk = Desk()
    desk.ask("paused", "acme", 2)
    desk.ask("waits", "acme", 2, kind, body)
    desk.ask("other", "acme", 2)
    desk.orders |= {"paused": "pause", "waits": "cancel"}
    jobs = jobs_at(desk, tmp_path)
    assert jobs.next(APPLIED, 0) is None
    assert [job.state for job in desk.asked.values()] == ["asked", "cancelled", "asked"]
    assert "emptied" not in desk.statements  # what another replay builds


@pytest.mark.parametrize("begun", ["running", "done", "failed"])
def test_a_job_that_waits_and_was_begun_is_cancelled_when_its_turn_comes(tmp_path: Path, begun: str) -> None:
    desk = Desk()
    desk.ask("first", "acme", 1)
    waits = desk.ask("waits", "acme", 2)
    waits.state, waits.slices = "planned", [begun, "asked"]
    desk.orders |= {"first": "pause", "waits": "cancel"}
    jobs = jobs_at(desk, tmp_path)
    assert list(done(desk, jobs)) == []
    assert (waits.state, waits.slices) == ("planned", [begun, "asked"])
    desk.orders["first"] = "run"
    assert list(done(desk, jobs)) == ["first", *["waits"] * (begun == "running")]
    assert waits.slices[1:] == ["cancelled"]


def test_a_job_that_a_former_owner_begins_while_it_is_cancelled_waits_for_its_turn(tmp_path: Path) -> None:
    desk = Desk()
    desk.ask("paused", "acme", 1)
    waits = desk.ask("waits", "acme", 2)
    waits.state, waits.slices = "planned", ["asked", "asked"]
    desk.orders |= {"paused": "pause", "waits": "cancel"}
    cancelled = Desk.slices_cancelled

    def too_late(self: Desk, *job: str) -> None:
        waits.slices[0] = "running"
        cancelled(self, *job)  # type: ignore[arg-type]

    with patch.object(Desk, "slices_cancelled", too_late):
        assert jobs_at(desk, tmp_path).next(APPLIED, 0) is None
    assert (waits.state, waits.slices) == ("planned", ["running", "cancelled"])


def test_a_cancelled_job_is_ended_however_much_is_found_before_it(tmp_path: Path) -> None:
    desk = Desk()
    for number in range(20):
        desk.ask(f"big {number}", f"o{number}", 50)
    last = desk.ask("last", "zen", 5)
    desk.orders["last"] = "cancel"
    assert jobs_at(desk, tmp_path).next(APPLIED, 0) is not None
    assert last.state == "cancelled"


def test_a_small_job_does_not_wait_for_a_big_one_of_another_organization(tmp_path: Path) -> None:
    desk = Desk()
    desk.ask("big", "acme", 300)
    desk.ask("small", "zen", 3)
    order = done(desk, jobs_at(desk, tmp_path))
    assert list(islice(order, 8)) == ["big", "small", "big", "small", "big", "small", "big", "big"]
    assert desk.asked["small"].state == "done"


def test_what_one_look_finds_is_done_in_turn_too(tmp_path: Path) -> None:
    desk = Desk()
    desk.ask("big", "acme", 300)
    desk.ask("small", "zen", 2)
    jobs = jobs_at(desk, tmp_path)
    found = [jobs.next(APPLIED, 0) for _ in range(12)]
    ids = [work.requests[0].repair_id for work in found if work is not None]
    assert ids == ["big", "small", "big", "small", *["big"] * 8]
    assert desk.statements.count("open_jobs") == 1


def test_a_job_that_is_alone_does_not_wait_for_the_next_look(tmp_path: Path) -> None:
    desk = Desk()
    desk.ask("big", "acme", 300)
    jobs = jobs_at(desk, tmp_path)
    assert None not in [jobs.next(APPLIED, 0) for _ in range(100)]
    assert desk.statements.count("open_jobs") == 1


def test_of_more_jobs_than_a_look_finds_slices_for_each_comes_as_often_as_the_others(tmp_path: Path) -> None:
    desk = Desk()
    ids = [f"j{number}" for number in range(25)]
    for each in ids:
        desk.ask(each, f"organization of {each}", 300)
    order = list(islice(done(desk, jobs_at(desk, tmp_path)), 3 * len(ids)))
    assert {each: order.count(each) for each in ids} == dict.fromkeys(ids, 3)


def test_jobs_that_may_meet_follow_each_other_in_the_order_of_the_log(tmp_path: Path) -> None:
    desk = Desk()
    for number, organization in enumerate(["acme", "zen", "acme", "", "zen"]):
        kind, body = ("void", VOID) if organization else ("replay", REPLAY)
        desk.ask(f"{number} {organization}", organization, 2, kind, body)
    assert list(done(desk, jobs_at(desk, tmp_path))) == [
        *("0 acme", "1 zen", "0 acme", "1 zen"),
        *("2 acme", "2 acme"),
        *("3 ", "3 "),
        *("4 zen", "4 zen"),
    ]


def test_what_a_failed_job_leaves_is_compared_again(tmp_path: Path) -> None:
    desk = Desk()
    fails, other = desk.ask("fails", "acme", 3), desk.ask("other", "acme", 1)
    fails.state, fails.slices = "planned", ["done", "running", "asked"]
    sought = Desk.open_slices

    def refused(self: Desk, control_id: str, *more: Any) -> Any:
        if control_id == "fails":
            raise WarehouseRefused("no")
        return sought(self, control_id, *more)

    with patch.object(Desk, "open_slices", refused):
        assert list(done(desk, jobs_at(desk, tmp_path))) == ["other"]
    assert (fails.state, fails.slices) == ("failed", ["done", "failed", "cancelled"])
    assert other.state == "done"


def test_what_rests_is_left_alone_and_so_is_what_follows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, clock = Desk(), [100.0]
    monkeypatch.setattr("stream_jobs.worker.jobs.time.monotonic", lambda: clock[0])
    for name, organization in (("rests", "acme"), ("follows", "acme"), ("of others", "zen")):
        desk.ask(name, organization, 1)
    jobs = jobs_at(desk, tmp_path)
    first = jobs.next(APPLIED, 0)
    assert first is not None
    assert first.requests[0].repair_id == "rests"
    jobs.set_aside("rests", 60)
    assert list(done(desk, jobs)) == ["of others"]
    clock[0] += 61
    assert list(done(desk, jobs)) == ["rests", "follows"]
