"""A hand on the warehouse for commands and audits: each statement once, its failure raised instead of waited for."""

from collections.abc import Callable
from typing import TypeVar

import urllib3
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from stream_jobs.worker.sink import Sink
from warehouse.client import classified

T = TypeVar("T")


class SingleSink(Sink):
    """Raises WarehouseUnavailable and WarehouseRefused."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _insist(self, action: Callable[[], T], *, writes: bool = False, gives_up: bool = False) -> T:
        del writes, gives_up
        try:
            return action()
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as failure:
            raise classified(failure) from failure
