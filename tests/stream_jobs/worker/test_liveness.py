"""Rule E28: standing still is all right for a reason that is seen from outside, and for no other."""

import pytest

from stream_jobs.worker.liveness import (
    GROUP,
    KAFKA,
    REBALANCE_SECONDS,
    STATEMENT_SECONDS,
    WAREHOUSE,
    Answers,
    Standing,
    Work,
    judged,
)

MEMBER = Answers(standing=Standing.MEMBER)
BEHIND = Work(lag={0: 3})
TEN_MINUTES = 600.0


def test_e28_a_worker_at_the_end_of_its_log_is_alive() -> None:
    assert judged(Work(lag={0: 0, 1: 0}), MEMBER).alive


@pytest.mark.parametrize("work", [BEHIND, Work(lag={0: 0, 1: 1}), Work(lag={0: 0}, rests=False)])
def test_e28_a_worker_that_has_work_and_does_nothing_hangs(work: Work) -> None:
    verdict = judged(work, MEMBER)
    assert not verdict.alive
    assert verdict.waits == ()


@pytest.mark.parametrize("work", [BEHIND, Work(lag={0: 0}, rests=False, statement_seconds=TEN_MINUTES), Work()])
def test_e28_a_broker_that_does_not_answer_is_waited_for_however_long(work: Work) -> None:
    verdict = judged(work, Answers(kafka=False))
    assert verdict.alive
    assert verdict.waits[0] == KAFKA


def test_e28_a_warehouse_that_does_not_answer_is_waited_for_however_long() -> None:
    work = Work(lag={0: 9}, rests=False, statement_seconds=TEN_MINUTES)
    verdict = judged(work, Answers(warehouse=False, standing=Standing.MEMBER))
    assert verdict.alive
    assert verdict.waits == (WAREHOUSE,)


def test_e28_a_statement_may_take_its_time_but_not_for_ever() -> None:
    assert judged(Work(lag={0: 9}, rests=False, statement_seconds=STATEMENT_SECONDS - 1), MEMBER).alive
    assert not judged(Work(lag={0: 9}, rests=False, statement_seconds=STATEMENT_SECONDS + 1), MEMBER).alive


def test_e28_a_warehouse_that_nobody_asks_keeps_nobody_alive() -> None:
    assert not judged(BEHIND, Answers(warehouse=False, standing=Standing.MEMBER)).alive


def test_e28_a_rebalance_is_waited_for_but_one_that_never_ends_is_noticed() -> None:
    verdict = judged(Work(), Answers(standing=Standing.REBALANCING, rebalancing_seconds=50))
    assert verdict.alive
    assert verdict.waits == (GROUP,)
    assert not verdict.serves
    assert not judged(Work(), Answers(standing=Standing.REBALANCING, rebalancing_seconds=REBALANCE_SECONDS)).alive


def test_e28_a_worker_that_holds_a_rebalance_up_is_not_excused_by_it() -> None:
    for work in (Work(lag={0: 9}, rests=False), Work(lag={0: 9}, statement_seconds=STATEMENT_SECONDS + 1)):
        assert not judged(work, Answers(standing=Standing.REBALANCING, rebalancing_seconds=5)).alive


def test_e28_a_spare_worker_stands_by_for_as_long_as_the_others_have_everything() -> None:
    verdict = judged(Work(), Answers(standing=Standing.STANDBY))
    assert verdict == judged(Work(lag={}), Answers(standing=Standing.STANDBY))
    assert verdict.alive
    assert verdict.serves
    assert verdict.standby


@pytest.mark.parametrize("standing", [Standing.MEMBER, Standing.STRANGER, Standing.UNKNOWN])
def test_e28_without_partitions_in_a_group_that_gave_it_some_or_does_not_know_it_a_worker_hangs(
    standing: Standing,
) -> None:
    verdict = judged(Work(), Answers(standing=standing))
    assert not verdict.alive
    assert not verdict.serves


def test_e28_refused_partitions_leave_a_worker_that_serves() -> None:
    verdict = judged(Work(refused=1), MEMBER)
    assert verdict.alive
    assert verdict.serves
