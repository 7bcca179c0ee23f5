"""Events of a file: a CSV or NDJSON file in, events with their places in it and what they set out."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.cli.asking.events import Named
from deploy.cli.asking.options import instant
from deploy.errors import WrongSetting


def read_file(path: Path) -> list[Named]:
    """Events of a file, a row each; columns beside event_id and time are what is set, empty CSV cells set nothing
    (a column `clear` names what has no value any more).

    Raises WrongSetting naming the line.
    """
    if path.suffix not in (".csv", ".ndjson", ".jsonl"):
        raise WrongSetting(f"{path}: name the file .csv or .ndjson, so that it is known how to read it")
    rows = _csv(path) if path.suffix == ".csv" else _ndjson(path)
    found = []
    for line, row in rows:
        where = f"{path.name} line {line}"
        values = {str(name): value for name, value in row.items()}
        event_id, time = values.pop("event_id", None), values.pop("time", None)
        if not event_id:
            raise WrongSetting(f"{where}: event_id is missing")
        if any("\ud800" <= char <= "\udfff" for char in str(event_id)):
            raise WrongSetting(f"{where}: event_id has half of a surrogate pair in it, as no event can have")
        found.append(Named(str(event_id), instant(f"{where}: time", str(time or "")), where, values, is_in_file=True))
    if not found:
        raise WrongSetting(f"{path}: there is no event in it")
    return found


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(_text(path)), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise WrongSetting(f"{path.name} line {reader.line_num}: not as many cells as columns")
            yield reader.line_num, {name: value for name, value in row.items() if value != ""}
    except csv.Error as problem:
        raise WrongSetting(f"{path.name} line {reader.line_num}: {problem}") from None


def _ndjson(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(_text(path).split("\n"), 1):  # splitlines() would cut texts at U+2028 and the like
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as problem:
            raise WrongSetting(f"{path.name} line {number}: no JSON: {problem}") from None
        if not isinstance(row, dict):
            raise WrongSetting(f"{path.name} line {number}: a JSON object is needed")
        yield number, row


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        line = problem.object[: problem.start].count(b"\n") + 1
        raise WrongSetting(f"{path.name} line {line}: there are bytes that are no UTF-8: save it as UTF-8") from None
