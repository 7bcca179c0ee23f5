"""Asks for control records without blocking: records and orders in, what became of them out."""

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread
from clickhouse_connect.driver.client import Client

from api.errors import Conflict, InvalidParameter, NotFound, ReadOnly, TryLater
from producers.control.record import ControlRecord
from producers.errors import ControlRefused, KafkaUnavailable
from stream_jobs.control.difference import Difference, difference
from stream_jobs.control.publisher import Published, Publisher
from stream_jobs.control.settings import ControlSettings
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.errors import NoControlKey
from stream_jobs.pricing.errors import PriceListRefused, RevisionMissing
from warehouse.control import orders
from warehouse.control.orders import Order
from warehouse.control.records import Records, Standings
from warehouse.errors import NoSuchRecord, OrderRefused, WarehouseUnavailable
from warehouse.queries.query import ask

T = TypeVar("T")


class Control(Protocol):
    """What the resources need in order to ask for something. All raise InvalidParameter, Conflict and TryLater."""

    async def ask(self, record: ControlRecord) -> Published:
        """Stores and publishes a record; one that was asked for before is not asked for again."""

    async def order(self, control_id: str, order: Order, author: str) -> bool:
        """Gives an order; False when it held already. Raises NotFound too."""

    async def difference(self, record: ControlRecord) -> Difference:
        """What the record would change."""


class ThreadedControl:
    """The warehouse's outbox and Kafka; connects when first asked. A few requests at a time, the others wait."""

    def __init__(self, connect: Callable[[], Client], settings: ControlSettings, threads: int = 4) -> None:
        self._connect = connect
        self._settings = settings
        self._publisher: Publisher | None = None
        self._lock = threading.Lock()
        self._limiter = CapacityLimiter(threads)

    async def ask(self, record: ControlRecord) -> Published:
        """As the protocol says."""
        return await self._run(lambda publisher: asked(publisher, record))

    async def order(self, control_id: str, order: Order, author: str) -> bool:
        """As the protocol says."""
        return await self._run(lambda publisher: orders.give(publisher.client, control_id, order, author))

    async def difference(self, record: ControlRecord) -> Difference:
        """As the protocol says."""
        return await self._run(lambda publisher: difference(publisher.client, record))

    async def _run(self, action: Callable[[Publisher], T]) -> T:
        def attempt() -> T:
            return action(self._connected())

        try:
            return await to_thread.run_sync(attempt, limiter=self._limiter)
        except (ControlRefused, RevisionMissing, PriceListRefused, CreditRulesRefused) as problem:
            raise InvalidParameter(str(problem)) from problem
        except OrderRefused as problem:
            raise Conflict(str(problem)) from problem
        except NoSuchRecord as problem:
            raise NotFound("there is no such control record; GET /v1/control lists them") from problem
        except NoControlKey as problem:
            raise TryLater("control records cannot be signed here; the log of the API says why") from problem
        except WarehouseUnavailable as failure:
            message = "the warehouse does not answer now; repeat the request"
            raise TryLater(message, code="warehouse_unavailable") from failure

    def _connected(self) -> Publisher:
        with self._lock:
            if self._publisher is None:
                self._publisher = Publisher(self._settings, self._connect())
            return self._publisher


class ReadOnlyControl:
    """For an API that was started without a user who may write. Everything raises ReadOnly."""

    async def ask(self, record: ControlRecord) -> Published:  # noqa: ARG002
        """Refuses."""
        raise ReadOnly

    async def order(self, control_id: str, order: Order, author: str) -> bool:  # noqa: ARG002
        """Refuses."""
        raise ReadOnly

    async def difference(self, record: ControlRecord) -> Difference:  # noqa: ARG002
        """Refuses."""
        raise ReadOnly


def asked(publisher: Publisher, record: ControlRecord) -> Published:
    """Publishes a record. The same request again changes nothing; another one under its id is refused.

    Raises Conflict, and what Publisher.ask raises but KafkaUnavailable: what is stored is published later.
    """
    record.body  # noqa: B018 - refused before anything is looked up
    known = ask(publisher.client, Records(record.control_id))
    if known:
        (followed,) = ask(publisher.client, Standings(known))
        said = (known[0].kind, known[0].organization, known[0].body)
        if said != (record.kind, record.organization, record.content):
            raise Conflict(f"control_id: {record.control_id} was used for another request; send a new one")
        places = {each.src_partition: each.offset for each in followed.standings if each.offset is not None}
        return Published(record.control_id, places, known[0].partitions)
    try:
        return publisher.ask(record)
    except KafkaUnavailable:
        return Published(record.control_id, {}, tuple(publisher.settings.log_partitions(record.organization)))
