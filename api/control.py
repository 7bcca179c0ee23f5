"""Asks for control records without blocking: records and orders in, what became of them out."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread
from clickhouse_connect.driver.client import Client

from api.errors import Conflict, InvalidParameter, NotFound, ReadOnly, TryLater
from producers.control.record import ControlRecord
from producers.errors import ControlRefused
from stream_jobs.configuring import calendar
from stream_jobs.configuring.agreeing import Agreed, agree, planned_terms
from stream_jobs.configuring.calendar import Calendar, Changed
from stream_jobs.configuring.change import Asked, Done, Edit, Plan, carried_out, planned
from stream_jobs.configuring.ledger import Ledger
from stream_jobs.configuring.said import Row
from stream_jobs.control.difference import Difference, difference
from stream_jobs.control.publisher import Published, Publisher
from stream_jobs.control.settings import ControlSettings
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.terms_change import ChangedTerms, TermsChange
from stream_jobs.errors import NoControlKey, NoErasureKey
from stream_jobs.pricing.errors import PriceListRefused, RevisionMissing
from warehouse.control import orders
from warehouse.control.orders import Order
from warehouse.control.records import Records, Standings
from warehouse.errors import (
    InvalidOrganization,
    NoSuchRecord,
    NothingChanges,
    NotReadAgain,
    OrderRefused,
    StoredMeanwhile,
    WarehouseUnavailable,
)
from warehouse.queries.query import ask

T = TypeVar("T")
REFUSED = (ControlRefused, RevisionMissing, PriceListRefused, CreditRulesRefused, InvalidOrganization)
"""What is wrong with a request."""


class Control(Protocol):
    """What the resources need in order to ask for something. All raise InvalidParameter, Conflict and TryLater."""

    async def ask(self, record: ControlRecord) -> Published:
        """Stores and publishes a record; one that was asked for before is not asked for again."""

    async def order(self, control_id: str, order: Order, author: str) -> bool:
        """Gives an order; False when it held already. Raises NotFound too."""

    async def difference(self, record: ControlRecord) -> Difference:
        """What the record would change."""

    async def plan(self, ledger: Ledger[Row], organization: str, edit: Edit[Row]) -> Plan[Row]:
        """What an edit would make of prices or multipliers."""

    async def change(self, ledger: Ledger[Row], organization: str, edit: Edit[Row], asked: Asked) -> Done[Row]:
        """Stores what an edit makes of prices or multipliers, and publishes it."""

    async def agree(
        self, organization: str, effective_from: datetime, change: TermsChange, asked: Asked, *, dry_run: bool
    ) -> tuple[ChangedTerms, Agreed | None]:
        """Stores changed terms and publishes them; only says what would change in a dry run."""

    async def change_calendar(
        self, organization: str, wish: Calendar, day: date, asked: Asked, *, dry_run: bool
    ) -> tuple[calendar.Plan, Changed | None]:
        """Stores another calendar of an organisation and publishes it; only says what would change in a dry run."""


class ThreadedControl:
    """The warehouse's outbox and Kafka; connects when first asked. A few requests at a time, the others wait."""

    def __init__(self, connect: Callable[[], Client], settings: ControlSettings, threads: int = 4) -> None:
        self._connect = connect
        self._settings = settings
        self._publisher: Publisher | None = None
        self._lock = threading.Lock()
        self._asked = threading.Condition()
        self._asking: set[str] = set()
        """Ids of records that are being asked for: of two at once under one id, the second finds the first."""
        self._limiter = CapacityLimiter(threads)

    async def ask(self, record: ControlRecord) -> Published:
        """As the protocol says."""

        def action(publisher: Publisher) -> Published:
            with self._alone(record.control_id):
                return asked(publisher, record)

        return await self._run(action)

    async def order(self, control_id: str, order: Order, author: str) -> bool:
        """As the protocol says."""
        return await self._run(lambda publisher: orders.give(publisher.client, control_id, order, author))

    async def difference(self, record: ControlRecord) -> Difference:
        """As the protocol says."""
        return await self._run(lambda publisher: self._difference(publisher, record))

    async def plan(self, ledger: Ledger[Row], organization: str, edit: Edit[Row]) -> Plan[Row]:
        """As the protocol says."""
        return await self._run(lambda publisher: planned(publisher.client, ledger, organization, edit))

    async def change(self, ledger: Ledger[Row], organization: str, edit: Edit[Row], asked: Asked) -> Done[Row]:
        """As the protocol says."""
        return await self._run(lambda publisher: carried_out(publisher, ledger, organization, edit, asked))

    async def agree(
        self, organization: str, effective_from: datetime, change: TermsChange, asked: Asked, *, dry_run: bool
    ) -> tuple[ChangedTerms, Agreed | None]:
        """As the protocol says."""

        def action(publisher: Publisher) -> tuple[ChangedTerms, Agreed | None]:
            if dry_run:
                return planned_terms(publisher.client, organization, effective_from, change, asked), None
            agreed = agree(publisher, organization, effective_from, change, asked)
            return agreed.made, agreed

        return await self._run(action)

    async def change_calendar(
        self, organization: str, wish: Calendar, day: date, asked: Asked, *, dry_run: bool
    ) -> tuple[calendar.Plan, Changed | None]:
        """As the protocol says."""

        def action(publisher: Publisher) -> tuple[calendar.Plan, Changed | None]:
            if dry_run:
                return calendar.planned(publisher.client, organization, wish, day, asked.now), None
            changed = calendar.change_calendar(publisher, organization, wish, day, asked)
            return changed.plan, changed

        return await self._run(action)

    @contextmanager
    def _alone(self, control_id: str) -> Iterator[None]:
        with self._asked:
            self._asked.wait_for(lambda: control_id not in self._asking)
            self._asking.add(control_id)
        try:
            yield
        finally:
            with self._asked:
                self._asking.remove(control_id)
                self._asked.notify_all()

    def _difference(self, publisher: Publisher, record: ControlRecord) -> Difference:
        return difference(publisher.client, record, self._settings.times, self._settings.tombstones)

    async def _run(self, action: Callable[[Publisher], T]) -> T:
        def attempt() -> T:
            return action(self._connected())

        try:
            return await to_thread.run_sync(attempt, limiter=self._limiter)
        except REFUSED as problem:
            raise InvalidParameter(str(problem)) from problem
        except (OrderRefused, NothingChanges, StoredMeanwhile, NotReadAgain) as problem:
            raise Conflict(str(problem)) from problem
        except NoSuchRecord as problem:
            raise NotFound("there is no such control record; GET /v1/control lists them") from problem
        except NoControlKey as problem:
            raise TryLater("control records cannot be signed here; the log of the API says why") from problem
        except NoErasureKey as problem:
            raise TryLater("erased events cannot be told from others here; the log of the API says why") from problem
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

    async def plan(self, ledger: Ledger[Row], organization: str, edit: Edit[Row]) -> Plan[Row]:  # noqa: ARG002
        """Refuses."""
        raise ReadOnly

    async def change(self, ledger: Ledger[Row], organization: str, edit: Edit[Row], asked: Asked) -> Done[Row]:  # noqa: ARG002
        """Refuses."""
        raise ReadOnly

    async def agree(
        self,
        organization: str,  # noqa: ARG002
        effective_from: datetime,  # noqa: ARG002
        change: TermsChange,  # noqa: ARG002
        asked: Asked,  # noqa: ARG002
        *,
        dry_run: bool,  # noqa: ARG002
    ) -> tuple[ChangedTerms, Agreed | None]:
        """Refuses."""
        raise ReadOnly

    async def change_calendar(
        self,
        organization: str,  # noqa: ARG002
        wish: Calendar,  # noqa: ARG002
        day: date,  # noqa: ARG002
        asked: Asked,  # noqa: ARG002
        *,
        dry_run: bool,  # noqa: ARG002
    ) -> tuple[calendar.Plan, Changed | None]:
        """Refuses."""
        raise ReadOnly


def asked(publisher: Publisher, record: ControlRecord) -> Published:
    """Publishes a record. The same request again changes nothing; another one under its id is refused. Where an erasure
    emptied what the first one said, kind and organisation alone tell them apart.

    Raises Conflict, and what Publisher.ask raises.
    """
    record.body  # noqa: B018 - refused before anything is looked up
    known = ask(publisher.client, Records(record.control_id))
    if known:
        (followed,) = ask(publisher.client, Standings(known))
        same = (known[0].kind, known[0].organization) == (record.kind, record.organization)
        if not same or known[0].body not in (None, record.content):
            raise Conflict(f"control_id: {record.control_id} was used for another request; send a new one")
        places = {each.src_partition: each.offset for each in followed.standings if each.offset is not None}
        return Published(record.control_id, places, known[0].partitions)
    return publisher.ask(record)
