"""Writes revision 1 of prices and multipliers where there is none: the bundled catalogue and our additions
in, warehouse rows out."""

from datetime import UTC, datetime
from typing import Any, Literal

from clickhouse_connect.driver.client import Client

from stream_jobs.additions import multiplier_rows, shipped_additions, with_additions
from stream_jobs.additions.rows import SOURCE as MULTIPLIERS_SOURCE
from stream_jobs.pricing.catalogue import SOURCE as PRICES_SOURCE
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.load import newest_revision
from stream_jobs.pricing.record import multiplier_record, price_record
from warehouse.client import connect
from warehouse.control.storing import rows_hash

FIRST_REVISION = 1
FIRST = {"revision": FIRST_REVISION}
AUTHOR = "tokentally"
NOTE = "First revision, as shipped"


def seed(client: Client, now: datetime) -> list[str]:
    """Writes what is missing; returns a sentence for each revision it wrote.

    The entry in config_revisions is written last, so that a revision exists whole or not at all; dying in between and
    starting again writes the same rows once more, which the tables keep once.
    """
    written: list[str] = []
    if newest_revision(client, "prices") == 0:
        rows = with_additions(catalogue_rows(), shipped_additions())
        prices = [FIRST | price_record(row, AUTHOR, NOTE, now) for row in rows]
        _insert(client, "prices", prices, PRICES_SOURCE, now)
        written.append(f"Price revision {FIRST_REVISION}: {len(prices):,} rows of {PRICES_SOURCE}")
    if newest_revision(client, "multipliers") == 0:
        said = multiplier_rows(shipped_additions())
        multipliers = [FIRST | multiplier_record(row, AUTHOR, now) for row in said]
        _insert(client, "multipliers", multipliers, MULTIPLIERS_SOURCE, now)
        written.append(f"Multiplier revision {FIRST_REVISION}: {len(multipliers):,} rows of {MULTIPLIERS_SOURCE}")
    return written


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
        "content_hash": rows_hash({kind: records}),
        "author": AUTHOR,
        "note": NOTE,
        "source": source,
        "created": now,
    }
    _insert_records(client, "config_revisions", [revision])


def _insert_records(client: Client, table: str, records: list[dict[str, Any]]) -> None:
    columns = list(records[0])
    client.insert(table, [list(record.values()) for record in records], column_names=columns)


if __name__ == "__main__":
    for sentence in seed(connect(), datetime.now(UTC)) or ["Prices and multipliers are there already."]:
        print(sentence)
