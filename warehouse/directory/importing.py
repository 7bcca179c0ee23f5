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
from warehouse.directory.csv_file import Line, WrongLine, lines
from warehouse.directory.entry import SAID, Said, Wish
from warehouse.directory.ledger import Rehearsal, StoredLedger, carry_out
from warehouse.directory.registration import OrganizationWish
from warehouse.errors import CalendarInUse, InvalidDirectoryFile, InvalidOrganization, Problem
from warehouse.organizations import Known, Organization, register_all, registration

SHOWN_PROBLEMS: Final = 20
LINES_AT_ONCE: Final = 10_000
"""Read, decided and written together: some ten megabytes."""
DATED: Final = "give it in all lines of one entry or in none; 1970-01-01 is always"


@dataclass(frozen=True, slots=True)
class Summary:
    """What an import did, or would do: statements by what became of them, organisations that were registered or not."""

    outcomes: Mapping[Outcome, int]
    organizations: int
    organizations_unchanged: int


@dataclass(slots=True)
class _Seen:
    """Which lines a file has, as digests: some 40 bytes for each, whatever it says.

    first: the first line of each entry; negative when that line has no effective_from.
    """

    lines: dict[bytes, int] = field(default_factory=dict)
    first: dict[bytes, int] = field(default_factory=dict)

    def problem(self, number: int, wish: Wish) -> Problem | None:
        """What contradicts an earlier line: order inside a file means nothing."""
        name, moment, key = wish.key.id, wish.effective_from, wish.key
        first = self.lines.setdefault(_digest(*key, moment), number)
        if first != number:
            return Problem("id", name, f"stands in line {first} already, for the same time; keep one of the two")
        first = self.first.setdefault(_digest(*key), number if moment else -number)
        if first < 0 and moment:
            return Problem(
                "effective_from", moment.isoformat(), f"is given for {name!r}, but not in line {-first}; {DATED}"
            )
        if first > 0 and not moment:
            return Problem("effective_from", "", f"is not given for {name!r}, but it is in line {first}; {DATED}")
        return None


@dataclass(slots=True)
class _Organizations:
    """The organisations that a file registers: where, and with which calendar. Lines may be in any order."""

    wishes: dict[str, tuple[int, OrganizationWish]] = field(default_factory=dict)

    def add(self, number: int, wish: OrganizationWish) -> Problem | None:
        """Notes one, or says what contradicts an earlier line."""
        first, said = self.wishes.setdefault(wish.name, (number, wish))
        if first == number or not (wish.time_zone or wish.week_start):
            return None
        if said.time_zone or said.week_start:
            return Problem("id", wish.name, f"has its time_zone or week_start in line {first} already; keep one")
        self.wishes[wish.name] = number, wish
        return None

    def wanted(self, client: Client, problems: "_Problems") -> tuple[list[Organization], int]:
        """Those to register, and the number of those that are registered just so: now, or before it changed."""
        wanted, unchanged = list[Organization](), 0
        known = Known.read(client) if self.wishes else Known({}, {})
        for number, wish in self.wishes.values():
            try:
                organization = wish.over(known.organizations.get(wish.name))
                if known.began_as(organization) or registration(client, organization, known) is None:
                    unchanged += 1
                else:
                    wanted.append(organization)
            except (InvalidOrganization, CalendarInUse) as failure:
                problems.add(number, Problem("time_zone", wish.time_zone, f"cannot be used: {failure}"))
        return wanted, unchanged


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
            register_all(client, organizations, author)
        ledger = Rehearsal(StoredLedger(client)) if dry_run else StoredLedger(client)
        outcomes: Counter[Outcome] = Counter()
        for some in shelf.parts():
            decisions = carry_out(ledger, some, now, author, "csv")
            outcomes.update(decision.outcome for _, decision in decisions)
    return Summary(dict(outcomes), len(organizations), unchanged)


def _checked(client: Client, path: Path, shelf: "_Shelf") -> tuple[list[Organization], int]:
    """The organisations to register and the number of those that are already, when every line is good."""
    seen, named, problems = _Seen(), _Organizations(), _Problems()
    for line in _lines(path):
        if isinstance(line, WrongLine):
            problems.add(line.number, *line.problems)
            continue
        wish = line.wish
        found: Problem | None = None
        if isinstance(wish, OrganizationWish):
            found, statement = named.add(line.number, wish), wish.statement
        else:
            statement = wish
        if statement:
            found = seen.problem(line.number, statement) or found
            shelf.put(statement)
        if found:
            problems.add(line.number, found)
    wanted, unchanged = named.wanted(client, problems)
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
