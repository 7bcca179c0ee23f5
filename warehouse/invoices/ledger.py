"""The stored cost reports: a checked report in, its rows out; a report that holds already is not stored again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import WRITE_SETTINGS, classified, permitted
from warehouse.invoices.cost_report import CostReport
from warehouse.queries.invoices import CostReports
from warehouse.queries.query import ask

REPORT_COLUMNS: Final = (
    *("provider", "account", "organization", "imported", "report_id", "paid_by", "format", "file", "content_hash"),
    *("days", "lines", "amount_usd", "notes", "author", "note"),
)
LINE_COLUMNS: Final = (
    *("provider", "account", "organization", "day", "report_id", "position"),
    *("model", "item", "project", "amount_usd", "quantity", "place", "imported"),
)


class PaidBy(StrEnum):
    """Whose keys an account charges: the operator's (everything but BYOK), the customer's (BYOK), or both."""

    operator = "operator"
    customer = "customer"
    any = "any"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a report comes from. account: as the operator calls it. organization: "" for all.

    stored_as: other names of the provider under which earlier reports are stored.
    """

    account: str
    organization: str
    paid_by: PaidBy
    file: str
    author: str
    note: str
    stored_as: tuple[str, ...] = ()


def holds(client: Client, report: CostReport, data: bytes, origin: Origin) -> bool:
    """Whether every day of the report holds just as this file says, since the newest report of each is this one."""
    same = (content_hash(data), origin.paid_by)
    newest: dict[date, tuple[str, str]] = {}
    earlier = CostReports(report.provider, origin.account, origin.organization, stored_as=origin.stored_as)
    for known in ask(client, earlier):
        for day in known.days:
            newest.setdefault(day, (known.content_hash, known.paid_by))
    return all(newest.get(day) == same for day in report.days)


def store(client: Client, report: CostReport, data: bytes, origin: Origin, now: datetime) -> bool:
    """Stores a report; False when its days hold so already. Its lines first: it exists whole or not at all.

    Raises WarehouseUnavailable (the same again does no harm) and WarehouseRefused.
    """
    if holds(client, report, data, origin):
        return False
    report_id = uuid4()
    account = (report.provider, origin.account, origin.organization)
    rows = [
        [
            *(*account, line.day, report_id, position),
            *(line.model, line.item, line.project, line.amount_usd, line.quantity, line.place, now),
        ]
        for position, line in enumerate(report.lines)
    ]
    head: list[Any] = [*account, now, report_id, origin.paid_by.value]
    head += [report.format, origin.file, content_hash(data), list(report.days), len(report.lines), report.amount_usd]
    head += [list(report.notes), origin.author, origin.note]
    if rows:
        _insert(client, "provider_costs", rows, LINE_COLUMNS)
    _insert(client, "provider_cost_reports", [head], REPORT_COLUMNS)
    return True


def content_hash(data: bytes) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(data).hexdigest()


def _insert(client: Client, table: str, rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> None:
    try:
        client.insert(table, rows, column_names=list(columns), settings=permitted(client, WRITE_SETTINGS))
    except (Error, OSError) as failure:
        raise classified(failure) from failure
