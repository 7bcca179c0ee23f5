"""Files of exchange rates: a CSV in, checked rates or what is wrong with each line out.

Columns, in any order: currency, day (2026-03-01), units_per_usd (units of the currency for one US dollar).
"""

import csv
import io
from datetime import date
from typing import Final

from warehouse.currency.exchange_rate import ExchangeRate, stated
from warehouse.errors import InvalidExchangeRate

COLUMNS: Final = ("currency", "day", "units_per_usd")
SHOWN_PROBLEMS: Final = 20


def read_rates(data: bytes) -> list[ExchangeRate]:
    """Every rate of the file in its order.

    Raises InvalidExchangeRate with the problems of all lines, at most SHOWN_PROBLEMS of them; then nothing may be used.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidExchangeRate("the file is not UTF-8; save it as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader]
    except csv.Error as failure:
        raise InvalidExchangeRate(f"line {reader.line_num}: {failure}; mend the quotes there") from None
    header = [name.strip().lower() for name in (lines[0][1] if lines else [])]
    if sorted(header) != sorted(COLUMNS):
        raise InvalidExchangeRate(f"line 1: the columns are {', '.join(header)}; write {', '.join(COLUMNS)}")
    found: list[ExchangeRate] = []
    problems: list[str] = []
    seen: dict[tuple[str, date], int] = {}
    for number, cells in lines[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            rate = _rate(header, cells)
        except InvalidExchangeRate as problem:
            problems.append(f"line {number}: {problem}")
            continue
        first = seen.setdefault((rate.currency, rate.day), number)
        if first != number:
            problems.append(f"line {number}: {rate.currency} on {rate.day} stands in line {first} already; keep one")
        found.append(rate)
    if problems:
        more = f"; and {len(problems) - SHOWN_PROBLEMS} more" if len(problems) > SHOWN_PROBLEMS else ""
        raise InvalidExchangeRate("; ".join(problems[:SHOWN_PROBLEMS]) + more)
    return found


def _rate(header: list[str], cells: list[str]) -> ExchangeRate:
    if len(cells) != len(header):
        raise InvalidExchangeRate(f"{len(cells)} cells under {len(header)} columns; add or quote what is missing")
    values = dict(zip(header, cells, strict=True))
    try:
        day = date.fromisoformat(values["day"].strip())
    except ValueError:
        raise InvalidExchangeRate(f"day: {values['day'][:20]!r} is no date; write it like 2026-03-01") from None
    return stated(values["currency"], day, values["units_per_usd"])
