"""What a take needs beside its events: settings and the first prices and multipliers in, the rules out."""

from clickhouse_connect.driver.client import Client

from producers.timeliness.rules import TimeRules
from stream_jobs.pricing.load import load_multipliers, load_price_book, oldest_revision
from stream_jobs.worker.books import Books
from stream_jobs.worker.routing import Routing
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.take import Rules
from warehouse.client import connect
from warehouse.settings import WarehouseSettings


def rules_in_force(client: Client, settings: WorkerSettings) -> Rules:
    """Begins with the first prices and multipliers: what else is in force, the log says (rule E21).

    Raises RevisionMissing when the warehouse has none.
    """
    times = TimeRules(retention_days=settings.usage_retention_days)
    routing = Routing(settings.partitions, settings.src_partition(0))
    books = Books.of(
        load_price_book(client, oldest_revision(client, "prices")),
        load_multipliers(client, oldest_revision(client, "multipliers")),
    )
    return Rules(routing, times, books)


def rules_from(warehouse: WarehouseSettings, settings: WorkerSettings) -> Rules:
    """The same by a connection of its own, for a process that has none. Raises WarehouseUnavailable."""
    client = connect(warehouse)
    try:
        return rules_in_force(client, settings)
    finally:
        client.close()


def load_by(books: Books, sink: Sink) -> None:
    """Later states are loaded through the worker's sink, which waits for an absent warehouse."""
    books.load_prices = lambda state: sink.using(
        lambda client: load_price_book(client, state, list(books.prices.values()))
    )
    books.load_multipliers = lambda state: sink.using(
        lambda client: load_multipliers(client, state, list(books.multipliers.values()))
    )
