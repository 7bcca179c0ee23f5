"""Directory files: the lines of a CSV in, wishes and organisations or what is wrong with each line out; and back.

Columns: organization, kind and id, and any of the others in any order. An empty cell, also one of spaces only, says
nothing; `-` says that there is none (no department, e-mail, role or plan). A line of the kind `organization` registers
one, with its time_zone and week_start, and says its name and plan; with effective_from it says these only. Its id, or
else its organization, is the name.
"""

import csv
import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TextIO, TypeVar

from warehouse.directory.entry import KINDS, NONE, ONLY_FOR, SAID, Key, Kind, Statement, Wish, wished
from warehouse.directory.registration import OrganizationWish, organization_wished
from warehouse.errors import InvalidDirectoryFile, InvalidEntry, Problem
from warehouse.organizations import WEEK_DAYS

Read = TypeVar("Read")
NEEDED: Final = ("organization", "kind", "id")
CALENDAR: Final = ("time_zone", "week_start")
COLUMNS: Final = (*NEEDED, "effective_from", *SAID, "attributes", *CALENDAR)
DELIMITERS: Final = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file with what it says; a quoted cell may make it several lines long."""

    number: int
    wish: Wish | OrganizationWish


@dataclass(frozen=True, slots=True)
class WrongLine:
    """One line that cannot be used."""

    number: int
    problems: Sequence[Problem]


def lines(file: TextIO) -> Iterator[Line | WrongLine]:
    """Each line of a file that was opened with newline="". Delimiter , ; or tab, as the header has it.

    Raises InvalidDirectoryFile when the header or the form of the file is wrong, naming the line.
    """
    header_text = file.readline()
    delimiter, header = _header(header_text)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    number = 2
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as failure:
            raise InvalidDirectoryFile(f"line {number}: {failure}; mend the quotes and delimiters there") from failure
        except UnicodeDecodeError as failure:
            raise InvalidDirectoryFile(f"line {number} or one of the next is not UTF-8; save it as UTF-8") from failure
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _line(number, header, cells)
        number = 2 + reader.line_num


def _header(text: str) -> tuple[str, Sequence[str]]:
    if not text.strip():
        raise InvalidDirectoryFile(f"line 1 is empty; begin with the names of columns: {', '.join(COLUMNS)}")
    readings = [(each, next(csv.reader([text], delimiter=each), [])) for each in DELIMITERS]
    readings = [(each, [name.strip().lower() for name in names]) for each, names in readings]
    delimiter, names = max(readings, key=lambda reading: len(set(reading[1]) & set(COLUMNS)))
    problems = [_unknown(name) for name in names if name not in COLUMNS]
    problems += [f"the column {name} is missing; add it" for name in NEEDED if name not in names]
    problems += [f"{name} is there more than once; keep one" for name in COLUMNS if names.count(name) > 1]
    if problems:
        raise InvalidDirectoryFile(f"line 1: {'; '.join(problems)}")
    return delimiter, names


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, COLUMNS, 1)
    return f"{name!r} is no column; " + (f"is {near[0]} meant?" if near else f"there are {', '.join(COLUMNS)}")


def _line(number: int, header: Sequence[str], cells: Sequence[str]) -> Line | WrongLine:
    if len(cells) != len(header):
        cure = f"are not as many cells as the header has columns ({len(header)}); add or quote what is missing"
        return WrongLine(number, [Problem("line", str(len(cells)), cure)])
    values = {name: cell for name, cell in zip(header, cells, strict=True) if cell.strip()}
    try:
        if values.get("kind", "").strip().lower() == Kind.ORGANIZATION:
            return Line(number, _organization(values))
        return Line(number, _wish(values))
    except InvalidEntry as failure:
        return WrongLine(number, failure.problems)


def _wish(values: Mapping[str, str]) -> Wish:
    problems = [
        Problem(name, values[name], "belongs to organisations only; leave it out")
        for name in CALENDAR
        if name in values
    ]
    moment, attributes, texts = _said(values, problems)
    kind = values.get("kind", "").strip().lower()
    if kind not in KINDS:
        raise InvalidEntry([*problems, Problem("kind", kind, f"is none of {', '.join(KINDS)}; choose one")])
    try:
        wish = wished(values.get("organization", ""), kind, values.get("id", ""), texts, attributes, moment)
    except InvalidEntry as failure:
        raise InvalidEntry([*problems, *failure.problems]) from None
    if problems:
        raise InvalidEntry(problems)
    return wish


def _organization(values: Mapping[str, str]) -> OrganizationWish | Wish:
    name = values.get("id") or values.get("organization", "")
    problems: list[Problem] = []
    if values.get("organization", name) != name:
        problems.append(Problem("organization", values["organization"], f"differs from the id {name!r}; leave it out"))
    moment, attributes, texts = _said(values, problems)
    time_zone, week_start = (values.get(each, "").strip() for each in CALENDAR)
    if moment is not None and (time_zone or week_start):
        cure = "is for names and plans; give time_zone and week_start on a line of their own, without it"
        problems.append(Problem("effective_from", values["effective_from"], cure))
    try:
        wish = organization_wished(name, time_zone, week_start.lower(), texts, attributes, moment)
    except InvalidEntry as failure:
        raise InvalidEntry([*problems, *failure.problems]) from None
    if problems:
        raise InvalidEntry(problems)
    return wish if wish.statement is None or moment is None else wish.statement


def _said(
    values: Mapping[str, str], problems: list[Problem]
) -> tuple[datetime | None, Mapping[str, str] | None, Mapping[str, str | None]]:
    """Time, attributes and texts of a line."""
    moment = _read(instant, values, "effective_from", problems)
    attributes = _read(_attributes, values, "attributes", problems)
    texts = {name: _text(name, values[name]) if name in values else None for name in SAID}
    return moment, attributes, texts


def _text(name: str, cell: str) -> str:
    if name in ONLY_FOR and cell.strip() == NONE:
        return ""
    return cell.strip().lower() if name in ("role", "state") else cell


def _read(how: Callable[[str], Read], values: Mapping[str, str], name: str, problems: list[Problem]) -> Read | None:
    """The cell as a value; None without one, and with a problem more when it cannot be read."""
    if name not in values:
        return None
    try:
        return how(values[name])
    except ValueError as failure:
        problems.append(Problem(name, values[name], str(failure)))
        return None


def instant(text: str) -> datetime:
    """A date or time; UTC where it names no offset. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except ValueError:
        raise ValueError("is no time; write it like 2026-03-14 or 2026-03-14T09:00:00Z") from None
    except OverflowError:
        raise ValueError("is no time between the years 1 and 9999 in UTC; choose one that is") from None


def _attributes(text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError('is no JSON object of texts; write it like {"cost_center": "4711"}')
    return found


def cells(statement: Statement) -> Sequence[str]:
    """A line that says the same, in the order of COLUMNS."""
    key: Key = statement.key
    texts = [getattr(statement.said, name) for name in SAID]
    attributes = dict(statement.said.attributes)
    return [
        key.organization,
        key.kind,
        key.id,
        statement.effective_from.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        *("" if text is None else text or NONE for text in texts),
        json.dumps(attributes, ensure_ascii=False, sort_keys=True) if attributes else "",
        "",
        "",
    ]


def organization_cells(name: str, time_zone: str, week_start: int) -> Sequence[str]:
    """A line that registers it, in the order of COLUMNS. week_start: 1 = Monday to 7 = Sunday."""
    values = {
        "organization": name,
        "kind": Kind.ORGANIZATION,
        "id": name,
        "time_zone": time_zone,
        "week_start": WEEK_DAYS[week_start - 1],
    }
    return [values.get(name, "") for name in COLUMNS]


def written(rows: Iterable[Sequence[str]], file: TextIO) -> int:
    """Writes the header and the lines; returns how many lines."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count
