"""Reads traces of calls from CSV files: one line one call, columns mapped to fields by the caller."""

import csv
import io
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import BinaryIO

import numpy as np

from producers.importers.errors import UnreadableSource, WrongOptions
from producers.importers.identity import record_id
from producers.importers.importer import Row, Target
from producers.importers.trace_columns import TraceColumns

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class TraceCsv:
    """Importer of CSV traces with a header line.

    A line's identity is its content and its number among the identical lines, so the same file gives the same events
    in any order of its lines. Which repeats exist is found in a first pass that keeps 8 bytes per line.
    """

    target: Target
    columns: TraceColumns
    format: str = "csv"

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """One row per line; the index counts from 1, the first line after the header. See Importer."""
        repeated = self._repeated(file)
        seen: Counter[bytes] = Counter()
        with _lines_of(file) as lines:
            header = self._header(lines)
            for index, fields in enumerate(filter(None, lines), start=1):
                digest = _digest(fields)
                occurrence = 0
                if int.from_bytes(digest[:8], "little") in repeated:
                    occurrence = seen[digest]
                    seen[digest] += 1
                yield self._row(index, header, fields, occurrence)

    def _row(self, index: int, header: list[str], fields: list[str], occurrence: int) -> Row:
        if len(fields) != len(header):
            return Row(index, problem=f"{len(fields)} columns instead of the header's {len(header)}")
        try:
            event = self.columns.event(dict(zip(header, fields, strict=True)))
        except ValueError as problem:
            return Row(index, problem=str(problem))
        organization, source = self.target.organization, self.target.source
        content = _SEPARATOR.join(fields)
        event["event_id"] = record_id(self.format, source, organization, content, str(occurrence))
        return Row(index, self.target.applied(event))

    def _header(self, lines: Iterator[list[str]]) -> list[str]:
        header = next(lines, [])
        if missing := self.columns.missing(header):
            raise WrongOptions(
                f"the file has no column {', '.join(missing)}; its columns are: {', '.join(header)[:500]}"
            )
        return header

    def _repeated(self, file: BinaryIO) -> frozenset[int]:
        prefixes = array("Q")
        with _lines_of(file) as lines:
            self._header(lines)
            prefixes.extend(int.from_bytes(_digest(fields)[:8], "little") for fields in filter(None, lines))
        values, counts = np.unique(np.frombuffer(prefixes, dtype=np.uint64), return_counts=True)
        return frozenset(values[counts > 1].tolist())


def header(file: BinaryIO) -> list[str]:
    """The column names of the first line; leaves the file at its start."""
    with _lines_of(file) as lines:
        names = next(lines, [])
    file.seek(0)
    return names


@contextmanager
def _lines_of(file: BinaryIO) -> Iterator[Iterator[list[str]]]:
    """The fields of each line from the start of the file, which stays open afterwards."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield _fields(text)
    finally:
        if not file.closed:
            text.detach()


def _fields(text: io.TextIOWrapper) -> Iterator[list[str]]:
    reader = csv.reader(text, strict=True)
    try:
        yield from reader
    except csv.Error as failure:
        raise UnreadableSource(f"line {reader.line_num} is not CSV: {failure}") from failure
    except UnicodeDecodeError as failure:
        raise UnreadableSource(f"near line {reader.line_num + 1} is no UTF-8: {failure.reason}") from failure


def _digest(fields: list[str]) -> bytes:
    return blake2b(_SEPARATOR.join(fields).encode(), digest_size=16).digest()
