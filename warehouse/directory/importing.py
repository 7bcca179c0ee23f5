"""Imports a directory file: nothing is written before every line is found good; a second time changes nothing."""

import hashlib
import pickle
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, Self

from clickhouse_connect.driver.client import Client

from warehouse.directory.changes import Outcome
from warehouse.directory.csv_file import ORGANIZATION, Line, OrganizationWish, WrongLine, lines
from warehouse.directory.entry import SAID, Said, Wish
from warehouse.directory.ledger import Rehearsal, StoredLedger, carry_out
from warehouse.errors import CalendarInUse, InvalidDirectoryFile, InvalidOrganization, Problem
from warehouse.organizations import Organization, listed, register, registration

SHOWN_PROBLEMS: Final = 20
LINES_AT_ONCE: Final = 10_000
"""Read, decided and written together: some ten megabytes."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import did, or would do: lines by what became of them, organisations that were registered or not."""

    outcomes: Mapping[Outcome, int]
    organizations: int
    organizations_unchanged: int


@dataclass(slots=True)
class _Seen:
    """Which lines a file has, as digests: 40 bytes for each, whatever it says."""

    lines: dict[bytes, int] = field(default_factory=dict)
    dated: dict[bytes, bool] = field(default_factory=dict)

    def problem(self, line: Line) -> Problem | None:
        """What contradicts an earlier line: order inside a file means nothing."""
        wish = line.wish
        if isinstance(wish, OrganizationWish):
            name, moment = wish.name, None
            key: tuple[str, ...] = (ORGANIZATION, name)
        else:
            name, moment, key = wish.key.id, wish.effective_from, wish.key
        first = self.lines.setdefault(_digest(*key, moment), line.number)
        if first != line.number:
            return Problem("id", name, f"stands in line {first} already, for the same time; keep one of the two")
        if self.dated.setdefault(_digest(*key), moment is not None) != (moment is not None):
            return Problem("effective_from", "", f"is given for {name!r} in some lines only; give it in all of them")
        return None


def _digest(*parts: object) -> bytes:
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def import_file(client: Client, path: Path, author: str, now: datetime, *, dry_run: bool = False) -> Summary:
    """Checks every line, then writes what changes. dry_run: only says what would change.

    A line without effective_from holds always when nothing was known, and from `now` on when it says something new.
    Raises InvalidDirectoryFile with at most SHOWN_PROBLEMS problems, CalendarInUse, WarehouseUnavailable (run it again:
    what was written stays, the rest follows) and WarehouseRefused.
    """
    with _Shelf() as shelf:
        organizations, unchanged = _checked(client, path, shelf)
        if not dry_run:
            for organization in organizations:
                register(client, organization, author)
        ledger = Rehearsal(StoredLedger(client)) if dry_run else StoredLedger(client)
        outcomes: Counter[Outcome] = Counter()
        for some in shelf.parts():
            decisions = carry_out(ledger, some, now, author, "csv")
            outcomes.update(decision.outcome for _, decision in decisions)
    return Summary(dict(outcomes), len(organizations), unchanged)


def _checked(client: Client, path: Path, shelf: "_Shelf") -> tuple[list[Organization], int]:
    """The organisations to register and the number of those that are already, when every line is good."""
    seen, problems = _Seen(), _Problems()
    wanted: list[Organization] = []
    unchanged = 0
    known = {organization.name: organization for organization in listed(client)}
    for line in _lines(path):
        if isinstance(line, WrongLine):
            problems.add(line.number, *line.problems)
            continue
        if problem := seen.problem(line):
            problems.add(line.number, problem)
        if isinstance(line.wish, OrganizationWish):
            try:
                organization = line.wish.over(known.get(line.wish.name))
                if registration(client, organization) is None:
                    unchanged += 1
                else:
                    wanted.append(organization)
            except (InvalidOrganization, CalendarInUse) as failure:
                problems.add(line.number, Problem("time_zone", line.wish.time_zone, f"cannot be used: {failure}"))
        else:
            shelf.put(line.wish)
    problems.refuse(path)
    return wanted, unchanged


class _Shelf:
    """Wishes on their way from being checked to being carried out: on disk, so that a file may have any length."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._some: list[Wish] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, wish: Wish) -> None:
        """Keeps one more."""
        self._some.append(wish)
        if len(self._some) == LINES_AT_ONCE:
            self._flush()

    def parts(self) -> Iterator[Sequence[Wish]]:
        """All of them in their order, LINES_AT_ONCE together."""
        self._flush()
        end = self._file.tell()
        self._file.seek(0)
        while self._file.tell() < end:
            yield [Wish(key, moment, Said(*said)) for key, moment, said in pickle.load(self._file)]

    def _flush(self) -> None:
        if self._some:
            # Plain tuples: dataclasses take ten times as long.
            rows = [(wish.key, wish.effective_from, _values(wish.said)) for wish in self._some]
            pickle.dump(rows, self._file)
            self._some = []


def _values(said: Said) -> tuple[object, ...]:
    return (*(getattr(said, name) for name in SAID), said.attributes)


@dataclass(slots=True)
class _Problems:
    """The first problems of a file, and how many there are."""

    texts: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, number: int, *problems: Problem) -> None:
        """Notes what is wrong with a line."""
        self.count += len(problems)
        for problem in problems[: SHOWN_PROBLEMS - len(self.texts)]:
            self.texts.append(f"line {number}: {problem}")

    def refuse(self, path: Path) -> None:
        """Raises InvalidDirectoryFile when there are any."""
        if self.count:
            more = self.count - len(self.texts)
            rest = f"\n… and {more} more" if more else ""
            raise InvalidDirectoryFile(
                f"{path} has {self.count} problem{'s' * (self.count > 1)}, nothing was written:\n"
                + "\n".join(self.texts)
                + rest
            )


def _lines(path: Path) -> Iterator[Line | WrongLine]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from lines(file)
    except UnicodeDecodeError as failure:
        raise InvalidDirectoryFile(f"{path} is not UTF-8: save it as UTF-8") from failure
