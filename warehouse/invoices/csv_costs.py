"""Invoices of any provider as CSV: lines in, cost lines out.

Columns, in any order: day (2026-03-14, of UTC) and amount_usd; any of model, item, quantity, project, currency (USD).
"""

import csv
import io
from datetime import date
from typing import Final

from warehouse.errors import CostReportRefused
from warehouse.invoices.cost_report import CostLine, CostReport, Reading

NEEDED: Final = ("day", "amount_usd")
COLUMNS: Final = (*NEEDED, "model", "item", "quantity", "project", "currency")


def read_csv(text: str, provider: str) -> CostReport:
    """The report. Raises CostReportRefused with the problems of all lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    reading = Reading()
    try:
        header = _header(next(reader, []))
        for cells in reader:
            if any(cell.strip() for cell in cells):
                _line(reading, header, cells, f"line {reader.line_num}")
    except csv.Error as failure:
        reading.problems.append(f"line {reader.line_num}: {failure}; mend the quotes there")
    return reading.report(provider, "csv")


def _header(cells: list[str]) -> list[str]:
    header = [name.strip().lower() for name in cells]
    wrong = [f"{name!r} is no column" for name in header if name not in COLUMNS]
    wrong += [f"{name} is missing" for name in NEEDED if name not in header]
    wrong += [f"{name} is there more than once" for name in COLUMNS if header.count(name) > 1]
    if wrong:
        raise CostReportRefused([f"line 1: {'; '.join(wrong)}; columns are {', '.join(COLUMNS)}"])
    return header


def _line(reading: Reading, header: list[str], cells: list[str], place: str) -> None:
    if len(cells) != len(header):
        reading.problems.append(
            f"{place}: {len(cells)} cells under {len(header)} columns; add or quote what is missing"
        )
        return
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    try:
        day = date.fromisoformat(values["day"])
    except ValueError:
        reading.problems.append(f"{place}, day: {values['day'][:20]!r} is no date; write it like 2026-03-14")
        return
    if day not in reading.days:
        reading.day(day, place)
    if values.get("currency") and not reading.in_dollars(values["currency"], f"{place}, currency"):
        return
    amount = reading.number(values["amount_usd"], f"{place}, amount_usd")
    quantity = reading.number(values["quantity"], f"{place}, quantity") if values.get("quantity") else None
    if amount is not None:
        named = values.get("model", ""), values.get("item", "")
        reading.lines.append(CostLine(day, *named, amount, quantity, values.get("project", ""), place))
