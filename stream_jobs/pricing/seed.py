"""Writes revision 1 of prices and multipliers where there is none: the bundled catalogue in, warehouse rows out."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from clickhouse_connect.driver.client import Client

import stream_jobs.credits
from stream_jobs.credits.multiplier_file import SOURCE as MULTIPLIERS_SOURCE
from stream_jobs.credits.multiplier_file import read_multipliers
from stream_jobs.credits.multiplier_row import MultiplierRow, tier_of
from stream_jobs.pricing.catalogue import SOURCE as PRICES_SOURCE
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.load import newest_revision
from stream_jobs.pricing.price_row import PriceRow
from warehouse.client import connect

FIRST_REVISION = 1
AUTHOR = "tokentally"
NOTE = "First revision, as shipped"
MULTIPLIERS_FILE = Path(stream_jobs.credits.__file__).with_name("multipliers.yaml")


def seed(client: Client, now: datetime) -> list[str]:
    """Writes what is missing; returns a sentence for each revision it wrote.

    The entry in config_revisions is written last, so that a revision exists whole or not at all; dying in between and
    starting again writes the same rows once more, which the tables keep once.
    """
    written: list[str] = []
    if newest_revision(client, "prices") == 0:
        prices = [_price_record(row, now) for row in catalogue_rows()]
        _insert(client, "prices", prices, PRICES_SOURCE, now)
        written.append(f"Price revision {FIRST_REVISION}: {len(prices):,} rows of {PRICES_SOURCE}")
    if newest_revision(client, "multipliers") == 0:
        multipliers = [_multiplier_record(row, now) for row in read_multipliers(MULTIPLIERS_FILE.read_text())]
        _insert(client, "multipliers", multipliers, MULTIPLIERS_SOURCE, now)
        written.append(f"Multiplier revision {FIRST_REVISION}: {len(multipliers):,} rows of {MULTIPLIERS_SOURCE}")
    return written


def content_hash(records: Sequence[dict[str, Any]]) -> str:
    """SHA-256 of what the rows say, whenever they were written."""
    said = [{key: str(value) for key, value in record.items() if key != "created"} for record in records]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _insert(
    client: Client,
    kind: Literal["prices", "multipliers"],
    records: list[dict[str, Any]],
    source: str,
    now: datetime,
) -> None:
    _insert_records(client, kind, records)
    revision = {
        "kind": kind,
        "revision": FIRST_REVISION,
        "content_hash": content_hash(records),
        "author": AUTHOR,
        "note": NOTE,
        "source": source,
        "created": now,
    }
    _insert_records(client, "config_revisions", [revision])


def _insert_records(client: Client, table: str, records: list[dict[str, Any]]) -> None:
    columns = list(records[0])
    client.insert(table, [list(record.values()) for record in records], column_names=columns)


def _price_record(row: PriceRow, now: datetime) -> dict[str, Any]:
    return {
        "revision": FIRST_REVISION,
        "organization": row.organization,
        "provider": row.provider,
        "model": row.model,
        "display_name": row.display_name,
        "match": row.match,
        "effective_from": row.effective_from,
        "daily_from": row.daily_from,
        "daily_to": row.daily_to,
        "unit": row.unit,
        "tier_start": row.tier_start,
        "price_usd": row.price_usd,
        "per": row.per,
        "position": row.position,
        "source": row.source,
        "author": AUTHOR,
        "note": NOTE,
        "created": now,
    }


def _multiplier_record(row: MultiplierRow, now: datetime) -> dict[str, Any]:
    return {
        "revision": FIRST_REVISION,
        "organization": row.organization,
        "provider": row.provider,
        "model": row.model,
        "multiplier_milli": row.multiplier_milli,
        "tier": tier_of(row.multiplier_milli),
        "effective_from": row.effective_from,
        "author": AUTHOR,
        "note": row.note,
        "source": row.source,
        "created": now,
    }


if __name__ == "__main__":
    for sentence in seed(connect(), datetime.now(UTC)) or ["Prices and multipliers are there already."]:
        print(sentence)
