"""The stored exchange rates: what operators say in, rows out; what holds already is not said again."""

from collections.abc import Sequence
from datetime import datetime

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import WRITE_SETTINGS, classified, permitted
from warehouse.currency.exchange_rate import ExchangeRate
from warehouse.queries.exchange_rates import SaidRates
from warehouse.queries.query import ask

COLUMNS = ("currency", "day", "units_per_usd", "author", "source", "note", "created")


def changes(client: Client, rates: Sequence[ExchangeRate]) -> list[ExchangeRate]:
    """Those that say something else than what is stored for their currency and day."""
    held = {(said.rate.currency, said.rate.day): said.rate for said in ask(client, SaidRates(held_only=True))}
    return [rate for rate in rates if held.get((rate.currency, rate.day)) != rate]


def state(
    client: Client, rates: Sequence[ExchangeRate], *, author: str, source: str, note: str, now: datetime
) -> list[ExchangeRate]:
    """Stores what changes, in one insert, and returns it. Raises WarehouseUnavailable and WarehouseRefused."""
    changed = changes(client, rates)
    if changed:
        rows = [[each.currency, each.day, each.units_per_usd, author, source, note, now] for each in changed]
        try:
            client.insert(
                "exchange_rates", rows, column_names=list(COLUMNS), settings=permitted(client, WRITE_SETTINGS)
            )
        except (Error, OSError) as failure:
            raise classified(failure) from failure
    return changed
