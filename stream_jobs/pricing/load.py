"""Prices and multipliers as of a state: a number in, rows or compiled lookups of every owner's revision out.

Prices and multipliers each have one counter. A revision is everyone's (organization "") or an organisation's, and holds
all rows of that owner. State N is, for each owner, its highest revision up to N.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.credits.terms import TermsRow
from stream_jobs.credits.terms_of_state import terms_of_state
from stream_jobs.credits.terms_table import TermsTable
from stream_jobs.pricing.errors import RevisionMissing
from stream_jobs.pricing.price_book import PriceBook
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.shared_prices import SharedPrices

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Kind = Literal["prices", "multipliers"]
State = TypeVar("State", PriceBook, MultiplierTable)
SEED: Final = "stream_jobs.pricing.seed"
FROM_SECONDS: Final = "toUnixTimestamp(effective_from) AS from_unix_seconds"
_NEWEST = "SELECT max(revision) FROM config_revisions WHERE kind = {kind:String}"
_FIRST = "SELECT min(revision) FROM config_revisions WHERE kind = {kind:String} AND organization = ''"
_OWNERS = (
    "SELECT organization, max(revision) FROM config_revisions "
    "WHERE kind = {kind:String} AND revision > {since:UInt32} AND revision <= {state:UInt32} GROUP BY organization"
)
SOURCES: Final[dict[type, tuple[str, str]]] = {
    PriceRow: ("prices", "position"),
    MultiplierRow: ("multipliers", "provider, model, effective_from"),
}
"""The table of each kind of row, and the order in which its rows of one owner are read."""


def columns_of(kind: type) -> list[str]:
    """The columns of a row, as its table has them."""
    return [FROM_SECONDS if each.name == "effective_from" else each.name for each in fields(kind)]


def _statement(kind: type) -> str:
    """Asks for the rows of one owner's revision in their order."""
    table, order = SOURCES[kind]
    return (
        f"SELECT {', '.join(columns_of(kind))} FROM {table} FINAL "
        f"WHERE revision = {{revision:UInt32}} AND organization = {{organization:String}} ORDER BY {order}"
    )


def _statement_of_organizations(kind: type) -> str:
    """Rows as of a state of all organisations that have revisions since an earlier one."""
    table, order = SOURCES[kind]
    return (
        f"SELECT {', '.join(columns_of(kind))} FROM {table} FINAL WHERE (revision, organization) IN "
        "(SELECT max(revision), organization FROM config_revisions WHERE kind = {kind:String} "
        "AND revision > {since:UInt32} AND revision <= {state:UInt32} AND organization != '' GROUP BY organization) "
        f"ORDER BY organization, {order}"
    )


def newest_revision(client: "Client", kind: Kind) -> int:
    """The highest revision of this kind, anybody's; 0 when there is none: revisions count from 1."""
    (row,) = client.query(_NEWEST, parameters={"kind": kind}).result_rows
    return int(row[0])


def oldest_revision(client: "Client", kind: Kind) -> int:
    """The first revision for everyone, 0 when there is none; in force before the log names another."""
    (row,) = client.query(_FIRST, parameters={"kind": kind}).result_rows
    return int(row[0])


def owners_of(client: "Client", kind: Kind, state: int) -> dict[str, int]:
    """The revision of each owner in a state. Raises RevisionMissing when nobody has a revision of that number."""
    owners = _owners_since(client, kind, state, 0)
    if "" not in owners:
        raise _missing(kind, state)
    return owners


def _owners_since(client: "Client", kind: Kind, state: int, since: int) -> dict[str, int]:
    """The revision in a state of each owner that had another one, or none, in the state `since`."""
    asked = {"kind": kind, "state": state, "since": since}
    owners = {organization: int(revision) for organization, revision in client.query(_OWNERS, asked).result_rows}
    if max(owners.values(), default=0) != state:
        raise _missing(kind, state)
    return owners


def _missing(kind: Kind, revision: int) -> RevisionMissing:
    return RevisionMissing(f"no {kind} of revision {revision}; write revision 1: python -m {SEED}")


def price_rows_of(client: "Client", revision: int, organization: str = "") -> list[PriceRow]:
    """The rows of one owner's revision in their order; none when there is no such revision."""
    asked = {"revision": revision, "organization": organization}
    return [PriceRow(**_dated(row)) for row in client.query(_statement(PriceRow), asked).named_results()]


def multiplier_rows_of(client: "Client", revision: int, organization: str = "") -> list[MultiplierRow]:
    """The same for multipliers."""
    asked = {"revision": revision, "organization": organization}
    return [MultiplierRow(**_dated(row)) for row in client.query(_statement(MultiplierRow), asked).named_results()]


def price_state_rows(client: "Client", state: int, organization: str) -> list[PriceRow]:
    """What a state holds for one organisation: everyone's rows, then its own. Raises RevisionMissing."""
    owners = owners_of(client, "prices", state)
    rows = price_rows_of(client, owners[""])
    own = owners.get(organization, 0) if organization else 0
    return rows + price_rows_of(client, own, organization) if own else rows


def multiplier_state_rows(client: "Client", state: int, organization: str) -> list[MultiplierRow]:
    """The same for multipliers."""
    owners = owners_of(client, "multipliers", state)
    rows = multiplier_rows_of(client, owners[""])
    own = owners.get(organization, 0) if organization else 0
    return rows + multiplier_rows_of(client, own, organization) if own else rows


def load_price_book(client: "Client", state: int | None = None, known: Iterable[PriceBook] = ()) -> PriceBook:
    """The prices of this state, of the newest one without a number.

    known: states that are loaded. Made from one of them only the organizations that have changed since are read and
    compiled. Raises RevisionMissing when nobody has a revision of that number, PriceListRefused when a row cannot be
    right.
    """
    state = newest_revision(client, "prices") if state is None else state
    books = list(known)
    before = nearest(books, state)
    since = before.revision if before else 0
    if before is not None and since == state:
        return before
    owners = _owners_since(client, "prices", state, since)
    if "" in owners or before is None:
        since, owners = 0, owners_of(client, "prices", state)
        before = PriceBook.compiled(0, _shared_prices(client, owners[""], books))
    own: dict[str, list[PriceRow]] = {name: [] for name in owners if name}
    for row in _rows_since(client, "prices", PriceRow, state, since) if own else ():
        own[row["organization"]].append(PriceRow(**row))
    return before.changed(state, own)


def _shared_prices(client: "Client", revision: int, known: Iterable[PriceBook]) -> SharedPrices:
    """What is for everyone is read and compiled once for each of its revisions."""
    found = next((book.shared for book in known if book.shared.revision == revision), None)
    if found is not None:
        return found
    rows = price_rows_of(client, revision)
    if not rows:
        raise _missing("prices", revision)
    return SharedPrices(revision, rows)


def load_multipliers(
    client: "Client", state: int | None = None, known: Iterable[MultiplierTable] = ()
) -> MultiplierTable:
    """The multipliers and terms of this state, of the newest one without a number; `known` as for prices.

    Raises RevisionMissing when the warehouse has none, CreditRulesRefused when a row cannot be right.
    """
    state = newest_revision(client, "multipliers") if state is None else state
    before = nearest(known, state)
    since = before.revision if before else 0
    if before is not None and since == state:
        return before
    owners = _owners_since(client, "multipliers", state, since)
    begins = before is None or "" in owners
    if begins:
        since, owners = 0, owners_of(client, "multipliers", state)
    terms: dict[str, list[TermsRow]] = {name: [] for name in owners}
    for each in terms_of_state(client, state, since):
        terms[each.organization].append(each)
    if before is None or begins:
        before = MultiplierTable(0, multiplier_rows_of(client, owners[""]), TermsTable(terms[""]))
    own: dict[str, list[MultiplierRow]] = {name: [] for name in owners if name}
    for row in _rows_since(client, "multipliers", MultiplierRow, state, since) if own else ():
        own[row["organization"]].append(MultiplierRow(**row))
    return before.changed(state, own, {name: terms[name] for name in own})


def nearest(known: Iterable[State], state: int) -> State | None:
    """Of loaded states the newest that is not newer than this one."""
    earlier = (each for each in known if each.revision <= state)
    return max(earlier, key=lambda each: each.revision, default=None)


def _rows_since(client: "Client", kind: Kind, row: type, state: int, since: int) -> Iterable[dict[str, Any]]:
    """The values of rows of organizations that have revisions since then."""
    asked = {"kind": kind, "state": state, "since": since}
    return map(_dated, client.query(_statement_of_organizations(row), asked).named_results())


def _dated(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's values with its date: instants are asked for as Unix seconds, which no driver takes for local time."""
    values = {name: value for name, value in row.items() if name != "from_unix_seconds"}
    return values | {"effective_from": datetime.fromtimestamp(row["from_unix_seconds"], UTC)}
