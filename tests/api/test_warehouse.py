"""Questions are asked in a bounded number of threads, and the warehouse may be away at the start."""

import threading
from unittest.mock import Mock, create_autospec

import anyio
import pytest
from clickhouse_connect.driver.client import Client

from api.errors import TryLater
from api.warehouse import ThreadedWarehouse
from warehouse.errors import WarehouseUnavailable
from warehouse.queries.progress import Progress

WAIT_SECONDS = 10


def test_it_connects_when_it_is_asked_and_again_after_a_failure() -> None:
    client = create_autospec(Client, instance=True)
    client.query.return_value.result_rows = []
    connect = Mock(side_effect=[WarehouseUnavailable("away"), client])
    warehouse = ThreadedWarehouse(connect, threads=1, waiting_max=1)

    async def asked() -> None:
        with pytest.raises(TryLater, match="does not answer now"):
            await warehouse.ask(Progress())
        assert await warehouse.ask(Progress()) == []
        assert await warehouse.ask(Progress()) == []

    anyio.run(asked)
    assert (connect.call_count, client.query.call_count) == (2, 2)


def test_more_than_may_wait_are_refused() -> None:
    gate, entered = threading.Event(), threading.Semaphore(0)

    def connect() -> Client:
        entered.release()
        gate.wait(WAIT_SECONDS)
        raise WarehouseUnavailable("away")

    warehouse = ThreadedWarehouse(connect, threads=1, waiting_max=1)
    codes = []

    async def one() -> None:
        try:
            await warehouse.ask(Progress())
        except TryLater as failure:
            codes.append(failure.code)
            gate.set()

    async def all_at_once() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(one)

    anyio.run(all_at_once)
    assert sorted(codes) == ["busy", "warehouse_unavailable", "warehouse_unavailable"]
