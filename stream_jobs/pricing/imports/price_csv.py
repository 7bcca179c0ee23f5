"""Our own table of prices: rows in, CSV text out, and back again without loss.

One line per price. `effective_from` and `effective_to` are dates or instants in UTC; prices of a model that have ends
must follow each other without gap or overlap, and the last end becomes a sheet without rates. `none` as a price ends
one unit, as the unit all of them. The order of the lines is the order of the rows: of prices for the same time the last
one holds.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from stream_jobs.pricing.editing.dated_sheet import dated_sheets
from stream_jobs.pricing.editing.unit_gaps import lost_rates, replaced_sheet
from stream_jobs.pricing.exact_number import plain, whole_number
from stream_jobs.pricing.imports.price_list import Reading
from stream_jobs.pricing.imports.price_periods import Dated, add_periods
from stream_jobs.pricing.price_row import ALWAYS, FREE, NO_RATES, PriceRow
from stream_jobs.pricing.time_of_day import time_of_day
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY

NAME: Final = "CSV"

COLUMNS: Final = (
    "organization",
    "provider",
    "model",
    "display_name",
    "match",
    "effective_from",
    "effective_to",
    "daily_from",
    "daily_to",
    "service_tier",
    "tier_start",
    "marginal",
    "unit",
    "price_usd",
    "currency",
    "per",
    "source",
)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
"""Python also takes weeks for days (2026-W05), and dates without dashes."""
_REQUIRED: Final = ("provider", "model", "unit", "price_usd")
_NO_RATES_WORD: Final = "none"
"""How the table writes a row without rates, and a unit without a price: a forgotten cell is not taken for one."""


def write_csv(rows: Sequence[PriceRow]) -> str:
    """The rows by position, a header above them; reading it gives the same rows, numbered from 0."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    table.writeheader()
    ended = _ended_units(rows)
    for row in sorted(rows, key=lambda row: row.position):
        table.writerow(_cells(row))
        for end in ended.pop(row, ()):
            table.writerow(_cells(end) | {"price_usd": _NO_RATES_WORD})
    return text.getvalue()


def _ended_units(rows: Sequence[PriceRow]) -> dict[PriceRow, list[PriceRow]]:
    """By the first row of each sheet: what lost its price there."""
    models: dict[tuple[str, str, str], list[PriceRow]] = {}
    for row in sorted(rows, key=lambda row: row.position):
        models.setdefault((row.organization, row.provider, row.model), []).append(row)
    ended: dict[PriceRow, list[PriceRow]] = {}
    for group in models.values():
        sheets = dated_sheets(group)
        for number, sheet in enumerate(sheets):
            first = sheet.rows[0]
            lost = dict.fromkeys(row.unit for row in lost_rates(replaced_sheet(sheets[:number], sheet), sheet))
            ended[first] = [replace(first, unit=unit, per=UNITS_BY_PRICE_KEY[unit].per, tier_start=0) for unit in lost]
    return ended


def read_csv(text: str, reading: Reading) -> None:
    """Takes every line; problems are kept in the reading under their line numbers."""
    table = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="", strict=True)
    try:
        table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
        if not _has_good_header(table.fieldnames, reading):
            return
        dated = [
            found
            for cells in table
            if not _is_blank(cells) and (found := _dated(cells, f"line {table.line_num}", reading))
        ]
    except csv.Error as problem:
        reading.refuse(f"line {table.line_num + 1}", f"{problem}; quote cells that hold commas, quotes or line ends")
        return
    add_periods(dated, reading)


def _cells(row: PriceRow) -> dict[str, str]:
    return {
        "organization": row.organization,
        "provider": row.provider,
        "model": row.model,
        "display_name": row.display_name,
        "match": row.match,
        "effective_from": "" if row.effective_from == ALWAYS else row.effective_from.isoformat(),
        "effective_to": "",
        "daily_from": row.daily_from,
        "daily_to": row.daily_to,
        "service_tier": row.service_tier,
        "tier_start": str(row.tier_start) if row.tier_start else "",
        "marginal": "yes" if row.marginal else "",
        "unit": _NO_RATES_WORD if row.unit == NO_RATES else row.unit,
        "price_usd": f"{row.price_usd:f}",
        "currency": "USD",
        "per": str(row.per),
        "source": row.source,
    }


def _has_good_header(found: Iterable[str], reading: Reading) -> bool:
    names = list(found)
    before = len(reading.problems)
    for name in sorted(set(_REQUIRED) - set(names)):
        reading.refuse("line 1", f"the column {name!r} is missing; columns are {', '.join(COLUMNS)}")
    for name in sorted(set(names) - set(COLUMNS)):
        reading.refuse("line 1", f"there is no column {name!r}; columns are {', '.join(COLUMNS)}")
    if len(set(names)) < len(names):
        reading.refuse("line 1", "a column occurs twice; keep one of them")
    return len(reading.problems) == before


def _is_blank(cells: dict[str, str]) -> bool:
    """Whether a line has commas only, as spreadsheets write below a table; its further cells are a list."""
    return not any("".join(cell).strip() for cell in cells.values())


def _dated(cells: dict[str, str], place: str, reading: Reading) -> Dated | None:
    """The row of a line and its end, None when a cell cannot be read or the line is the end of a unit."""
    if "" in cells:
        reading.refuse(place, "it has more cells than the header; quote cells that hold commas")
        return None
    before = len(reading.problems)
    currency = cells.get("currency", "").strip() or "USD"
    if currency.upper() != "USD":
        reading.refuse(place, f"a price in {currency!r}; convert it to USD first")
    unit = _unit(cells["unit"], place, reading)
    marked = unit in (FREE, NO_RATES)
    is_end = cells["price_usd"].strip().lower() == _NO_RATES_WORD
    price = reading.price("0" if is_end else cells["price_usd"].strip() or ("0" if marked else ""), place)
    start = _moment(cells.get("effective_from", ""), place, reading) or ALWAYS
    end = _moment(cells.get("effective_to", ""), place, reading)
    tier_start = _whole(cells.get("tier_start", ""), 0, f"{place}, tier_start", reading)
    per = _whole(
        cells.get("per", ""), UNITS_BY_PRICE_KEY[unit].per if unit in UNITS_BY_PRICE_KEY else 1, place, reading
    )
    daily_from, daily_to = (_time(cells.get(name, "").strip(), place, reading) for name in ("daily_from", "daily_to"))
    marginal = _yes(cells.get("marginal", "").strip().lower(), place, reading)
    if is_end and (unit not in UNITS_BY_PRICE_KEY or tier_start or end is not None):
        reading.refuse(place, f"`{_NO_RATES_WORD}` as a price ends one unit, all of its tiers, and has no end itself")
    if price is None or len(reading.problems) > before:
        return None
    said = PriceRow(
        provider=cells["provider"].strip(),
        model=cells["model"].strip(),
        display_name=cells.get("display_name", cells["model"].strip()),
        match=cells.get("match", "").strip(),
        unit=unit,
        price_usd=plain(price),
        per=per,
        position=0,
        source=cells.get("source") or reading.source,
        tier_start=tier_start,
        effective_from=start,
        daily_from=daily_from,
        daily_to=daily_to,
        organization=cells.get("organization", "").strip(),
        service_tier=cells.get("service_tier", "").strip().lower(),
        marginal=marginal,
    )
    row = reading.called(said)  # the periods of a model are those of all its spellings
    if is_end:
        reading.end(place, row)
        return None
    return Dated(place, row, end)


def _unit(text: str, place: str, reading: Reading) -> str:
    unit = text.strip().lower()
    if not unit:
        reading.refuse(place, f"no unit; write one such as input_mtok, {FREE}, or {_NO_RATES_WORD} for no price")
    return NO_RATES if unit == _NO_RATES_WORD else unit


def _moment(text: str, place: str, reading: Reading) -> datetime | None:
    if not text.strip():
        return None
    try:
        if not _MOMENT.fullmatch(text.strip()):
            raise ValueError
        moment = datetime.fromisoformat(text.strip())
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        reading.refuse(place, f"{text!r} is no date; write YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ")
        return None
    if aware.microsecond or aware < ALWAYS:
        reading.refuse(place, f"{text!r}: prices start at a whole second after 1970")
        return None
    return aware


def _time(text: str, place: str, reading: Reading) -> str:
    try:
        return time_of_day(text)
    except ValueError:
        reading.refuse(place, f"{text!r} is no time of day in UTC; write HH:MM:SS, without an offset")
        return ""


def _whole(text: str, default: int, place: str, reading: Reading) -> int:
    if not text.strip():
        return default
    number = whole_number(text)
    if number is None:
        reading.refuse(place, f"{text!r} is no whole number")
        return default
    return number


def _yes(text: str, place: str, reading: Reading) -> bool:
    if text not in ("", "no", "yes"):
        reading.refuse(place, f"marginal is {text!r}; write yes when a tier's price holds only for the tokens above it")
    return text == "yes"
