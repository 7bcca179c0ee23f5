"""Requests to repair are kept slice by slice; their state is what the newest row of each slice says."""

from collections.abc import Iterator
from datetime import date

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.engine import running
from warehouse.repairs import RepairSlice, RepairStatus, repair_status, request_repair

pytestmark = pytest.mark.integration
DAY = date(2026, 3, 28)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(tmp_path_factory.mktemp("engine")) as engine, engine.database() as (client, _):
        yield client


def test_a_request_is_open_until_every_slice_is_done_or_failed(client: Client) -> None:
    slices = [RepairSlice(1, "acme", DAY), RepairSlice(4, "it's", DAY), RepairSlice(4, "it's", DAY)]
    repair_id = request_repair(client, slices, author="ada", reason="a disk was exchanged")
    assert repair_status(client, repair_id) == RepairStatus(asked=2, done=0, failed=0, waiting_for=(1, 4))

    for number, state, message in ((1, "running", ""), (1, "done", ""), (4, "failed", "no such day")):
        client.command(
            "INSERT INTO repairs (repair_id, src_partition, organization, day, state, message, version) "
            f"SELECT repair_id, src_partition, organization, day, '{state}', '{message}', version + 1 "
            f"FROM repairs FINAL WHERE src_partition = {number}"
        )
    assert repair_status(client, repair_id) == RepairStatus(0, done=1, failed=1, messages=("no such day",))


def test_an_unknown_request_has_nothing(client: Client) -> None:
    assert repair_status(client, "unknown") == RepairStatus(0, 0, 0)
