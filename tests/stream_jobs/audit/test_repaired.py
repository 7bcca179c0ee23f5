"""Every damage of rollup rows that reconcile names is healed by the repair that it asks for."""

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.worker.beat import Beat
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.requests import bundles
from stream_jobs.worker.sink import Sink
from warehouse.families import FAMILIES
from warehouse.queries.progress import Progress
from warehouse.queries.query import ask
from warehouse.queries.reconcile.lasting import Lasting
from warehouse.queries.reconcile.reconcile import EVERYTHING, Reconciler, Report
from warehouse.repairs import RepairSlice, RepairStatus, repair_status, request_repair

pytestmark = pytest.mark.integration
FINER = {"quarter": "raw", "hour": "quarter", "day": "hour", "week": "day"}
WRONG_SUMS = (
    "INSERT INTO {table} (* EXCEPT ver) SELECT * REPLACE (requests + {more} AS requests) "
    "FROM {table} FINAL WHERE grain = '{grain}' AND organization = 'acme' LIMIT 1"
)
LOST_ROWS = (
    "DELETE FROM {table} WHERE grain = '{grain}' AND grain IN ('quarter', 'day') "
    "AND organization = 'zen' AND week = '2026-03-29'"
)
ROWS_OF_NOBODY = (
    "INSERT INTO {table} (* EXCEPT ver) SELECT * REPLACE ('nobody {grain}' AS {dimension}) "
    "FROM {table} FINAL WHERE grain = '{grain}' AND organization = 'acme' LIMIT 2"
)


def compared(client: Client) -> Report:
    report = Report()
    Reconciler(client, lasting=Lasting(attempts=1)).compare(EVERYTHING, report)
    return report


@pytest.mark.parametrize("damage", [WRONG_SUMS, LOST_ROWS, ROWS_OF_NOBODY], ids=["sums", "lost", "extra"])
def test_e30_damaged_rows_of_every_family_and_grain_are_named_and_healed(
    usage: Client, damage: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for family in FAMILIES:
        for number, grain in enumerate(FINER):
            names = {"table": family.table, "grain": grain, "dimension": family.dimensions[0]}
            usage.command(damage.format(**names, more=10**number))
    report = compared(usage)
    checks = {found.check for found in report.differences}
    assert checks >= {f"{family.table} {grain} = {finer}" for family in FAMILIES for grain, finer in FINER.items()}
    slices = [RepairSlice(place.partition, place.organization, place.day) for place in report.places]
    repair_id = request_repair(usage, slices, "tests", "differences")
    sink = Sink(usage, Beat(tmp_path_factory.mktemp("run"), "worker-0"))
    repairs = Repairs(sink, Directory(sink, "UTC", 1))
    applied = {each.partition: each.applied_offset for each in ask(usage, Progress())}
    for requests in bundles(repairs.requested(list(applied)), {}):
        repairs.carry_out(requests, applied[requests[0].src_partition], ())
    assert repair_status(usage, repair_id) == RepairStatus(asked=0, done=len(slices), failed=0)
    assert compared(usage).differences == []
