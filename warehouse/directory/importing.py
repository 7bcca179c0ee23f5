"""Imports a directory file: nothing is written before every line is found good; a second time changes nothing."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.client import Client

from warehouse.directory.changes import Outcome
from warehouse.directory.csv_file import ORGANIZATION, Line, OrganizationWish, WrongLine, lines
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
    organizations, unchanged = _checked(client, path)
    if not dry_run:
        for organization in organizations:
            register(client, organization, author)
    ledger = Rehearsal(StoredLedger(client)) if dry_run else StoredLedger(client)
    outcomes: Counter[Outcome] = Counter()
    wishes = (line.wish for line in _good_lines(path) if not isinstance(line.wish, OrganizationWish))
    while some := list(islice(wishes, LINES_AT_ONCE)):
        decisions = carry_out(ledger, some, now, author, "csv")
        outcomes.update(decision.outcome for _, decision in decisions)
    return Summary(dict(outcomes), len(organizations), unchanged)


def _checked(client: Client, path: Path) -> tuple[list[Organization], int]:
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
    problems.refuse(path)
    return wanted, unchanged


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


def _good_lines(path: Path) -> Iterator[Line]:
    """The lines again. Raises InvalidDirectoryFile when one is not as it was when they were checked."""
    for line in _lines(path):
        if isinstance(line, WrongLine):
            raise InvalidDirectoryFile(f"{path} changed while it was read, at line {line.number}: run it again")
        yield line
