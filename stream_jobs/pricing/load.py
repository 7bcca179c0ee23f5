"""The price book and multipliers in force: the rows of a revision in the warehouse in, compiled lookups out."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing.errors import RevisionMissing
from stream_jobs.pricing.price_book import PriceBook
from stream_jobs.pricing.price_row import PriceRow

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_NEWEST = "SELECT max(revision) FROM config_revisions WHERE kind = {kind:String}"

_OLDEST = "SELECT min(revision) FROM config_revisions WHERE kind = {kind:String}"

_PRICES = """
SELECT provider, model, display_name, match, unit, price_usd, per, position, source, tier_start,
    toUnixTimestamp(effective_from) AS from_unix_seconds, daily_from, daily_to, organization
FROM prices FINAL
WHERE revision = {revision:UInt32}
ORDER BY position
"""

_MULTIPLIERS = """
SELECT provider, model, multiplier_milli, source, note,
    toUnixTimestamp(effective_from) AS from_unix_seconds, organization
FROM multipliers FINAL
WHERE revision = {revision:UInt32}
ORDER BY organization, provider, model, effective_from
"""


def newest_revision(client: "Client", kind: Literal["prices", "multipliers"]) -> int:
    """The highest revision of this kind, 0 when there is none: revisions count from 1."""
    (row,) = client.query(_NEWEST, parameters={"kind": kind}).result_rows
    return int(row[0])


def oldest_revision(client: "Client", kind: Literal["prices", "multipliers"]) -> int:
    """The lowest revision of this kind, 0 when there is none; in force before the log names another."""
    (row,) = client.query(_OLDEST, parameters={"kind": kind}).result_rows
    return int(row[0])


def price_rows_of(client: "Client", revision: int) -> list[PriceRow]:
    """The rows of one revision in their order; none when there is no such revision."""
    return [PriceRow(**_dated(row)) for row in client.query(_PRICES, {"revision": revision}).named_results()]


def load_price_book(client: "Client", revision: int | None = None) -> PriceBook:
    """The prices of this revision, of the newest one without a number.

    Raises RevisionMissing when the warehouse has none, PriceListRefused when a row cannot be right.
    """
    revision = newest_revision(client, "prices") if revision is None else revision
    rows = price_rows_of(client, revision)
    if not rows:
        raise RevisionMissing(f"no prices of revision {revision}; write revision 1: python -m stream_jobs.pricing.seed")
    return PriceBook.from_rows(rows, revision=revision)


def load_multipliers(client: "Client", revision: int | None = None) -> MultiplierTable:
    """The multipliers of this revision, of the newest one without a number.

    Raises RevisionMissing when the warehouse has none, CreditRulesRefused when a row cannot be right.
    """
    revision = newest_revision(client, "multipliers") if revision is None else revision
    found = client.query(_MULTIPLIERS, {"revision": revision}).named_results()
    rows = [MultiplierRow(**_dated(row)) for row in found]
    if not rows:
        raise RevisionMissing(
            f"no multipliers of revision {revision}; write revision 1: python -m stream_jobs.pricing.seed"
        )
    return MultiplierTable.from_rows(rows, revision=revision)


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    effective_from = datetime.fromtimestamp(row["from_unix_seconds"], UTC)
    return {name: value for name, value in row.items() if name != "from_unix_seconds"} | {
        "effective_from": effective_from
    }
