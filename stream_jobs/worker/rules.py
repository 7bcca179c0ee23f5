"""The rules in force: settings and what the warehouse has of prices and multipliers in, everything a take needs out."""

from clickhouse_connect.driver.client import Client

from producers.timeliness.rules import TimeRules
from stream_jobs.pricing.load import load_multipliers, load_price_book
from stream_jobs.worker.routing import Routing
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.take import Rules
from warehouse.client import connect
from warehouse.settings import WarehouseSettings


def rules_in_force(client: Client, settings: WorkerSettings) -> Rules:
    """The newest prices and multipliers. Raises RevisionMissing when the warehouse has none."""
    times = TimeRules(retention_days=settings.usage_retention_days)
    routing = Routing(settings.partitions, settings.src_partition(0))
    return Rules(routing, times, load_price_book(client), load_multipliers(client), markup_ppm={})


def rules_from(warehouse: WarehouseSettings, settings: WorkerSettings) -> Rules:
    """The same by a connection of its own, for a process that has none. Raises WarehouseUnavailable."""
    client = connect(warehouse)
    try:
        return rules_in_force(client, settings)
    finally:
        client.close()
