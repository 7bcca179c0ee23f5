"""Jobs about all organisations, on the real engine: who plans days that earlier generations of the topic counted."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client

from producers.control.bodies import RepriceBody
from producers.timeliness.rules import TimeRules
from stream_jobs.jobs.job import Job
from stream_jobs.worker.jobs import Jobs
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.routing import Routing
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.lived import answer
from tests.stream_jobs.worker.sent import BEGIN, PARTITIONS
from tests.warehouse.recorded import directory_rows

pytestmark = pytest.mark.integration
DAY = date(2026, 3, 28)


def jobs(sink: Sink) -> Jobs:
    """Those of a worker of the second generation."""
    others = cast(Any, SimpleNamespace())
    routing = Routing(2, 1024, PARTITIONS)
    return Jobs(sink, others, others, others, TimeRules(), Mock(), others, sink, routing)


def repriced(home: int, organization: str = "") -> Job:
    body = RepriceBody()
    return Job(home, str(UUID(int=7)), 3, "reprice", organization, body, 0, 0, "asked", 0, BEGIN + timedelta(days=1))


def test_e20_a_replay_that_ends_leaves_what_others_build_in_former_partitions(warehouse: Client, sink: Sink) -> None:
    control_id = str(UUID(int=8))
    work = [(0, "acme", 1024), (1024, "acme", 1024), (0, "fox", 1025), (1025, "fox", 1025)]
    names = ["repair_id", "src_partition", "organization", "day", "home", "state"]
    warehouse.insert("repairs", [[control_id, *each[:2], DAY, each[2], "done"] for each in work], column_names=names)
    built = ["grain", "organization", "src_partition", "bucket", "requests", "epoch"]
    rows = [["quarter", name, number, BEGIN, 1, 2] for number, name, _ in work]
    warehouse.insert("replayed_rollup", rows, column_names=built)
    for partition in (1024, 0):
        Repairs(sink, cast(Any, None)).forget_built(control_id, 1024, partition)
    left = "SELECT toInt64(src_partition), organization FROM replayed_rollup ORDER BY src_partition, organization"
    assert answer(warehouse, left) == [(0, "fox"), (1025, "fox")]


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        (repriced(1024), [(0, "acme"), (1024, "acme")]),
        (repriced(1025), [(0, "fox"), (1, "zen"), (1025, "zen")]),
        (repriced(1025, "zen"), [(1, "zen"), (1025, "zen")]),
    ],
)
def test_e25_days_of_former_partitions_are_planned_where_their_organization_is_at_home_now(
    warehouse: Client, sink: Sink, job: Job, wanted: list[tuple[int, str]]
) -> None:
    """Another partition's record does not know which prices are in force for it."""
    directory_rows().insert(warehouse)
    names = ["organization", "time_zone", "week_start"]
    warehouse.insert("organizations", [[each, "UTC", 1] for each in PARTITIONS], column_names=names)
    counted = [(0, "acme"), (0, "fox"), (1, "zen"), (1024, "acme"), (1025, "zen")]
    rows = [[UUID(int=place), BEGIN, name, number, 0, DAY] for place, (number, name) in enumerate(counted)]
    names = ["event_id", "time", "organization", "src_partition", "src_offset", "day"]
    warehouse.insert("usage_raw", rows, column_names=names)
    jobs(sink).course.plan(job, [job.home, 0, 1])
    planned = "SELECT toInt64(src_partition), organization FROM repairs FINAL ORDER BY src_partition, organization"
    assert answer(warehouse, planned) == wanted
