"""Revisions of one kind for people: a filter in, a list of who made them, why, and since when they are in force out."""

from clickhouse_connect.driver.client import Client
from rich.table import Table

from deploy.cli.config import as_json, in_force
from deploy.cli.console import console, folded
from deploy.cli.rejected_report import moment, plain
from deploy.errors import DeployError
from stream_jobs.configuring.ledger import Ledger
from stream_jobs.configuring.said import Row
from stream_jobs.configuring.state import StateRows, state_rows
from stream_jobs.pricing.errors import RevisionMissing
from warehouse.control.history import History
from warehouse.control.storing import Kind
from warehouse.queries.query import ask


def state_of(client: Client, ledger: Ledger[Row], revision: int | None, organization: str | None) -> StateRows[Row]:
    """The rows as of a revision, of the newest without one. Raises DeployError when there is none."""
    try:
        return state_rows(client, ledger, revision, organization)
    except RevisionMissing as problem:
        raise DeployError(f"{problem}; ./tally {ledger.kind} history shows those there are") from None


def print_history(client: Client, kind: Kind, organization: str | None, limit: int, *, json: bool) -> None:
    """Revisions, the newest first."""
    found = ask(client, History(kind, organization, limit=limit))
    if json:
        for each in found:
            print(as_json(each))
        return
    table = Table(
        "revision", folded("owner"), "made", "by", "in force since", "source", "note", box=None, padding=(0, 2, 0, 0)
    )
    for each in found:
        table.add_row(
            *(str(each.revision), plain(each.organization or "all"), moment(each.created), plain(each.author)),
            *(in_force(each), plain(each.source), plain(each.note)),
        )
    console().print(table)
