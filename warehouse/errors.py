"""What can go wrong with the warehouse, named by the caller's next move.

WarehouseError
├── WarehouseUnavailable   try again later: nothing is known about the last write
│   └── WarehouseStrained  it took too long or too much memory: ask for less, or try again later
├── WarehouseRefused       the statement or the data is wrong: do not repeat it
│   ├── SignInFailed       user or password is wrong: set them right, then repeat it
│   ├── StoredMeanwhile    ask again: somebody else stored a revision under the same number
│   └── NotReadAgain       ask again later: after a restore the log has not been read again
├── MigrationConflict      an applied migration was edited: restore the file
├── InvalidOrganization    correct the name, the time zone or the week day
├── InvalidEntry           correct the fields of the directory's entry that the problems name
├── InvalidDirectoryFile   correct the lines of the file that the problems name
├── BackupInvalid         the backup is unfinished or damaged: take another one, or make it again
├── RestoreRefused        the backup does not fit what is there: the message says what to do
├── CalendarInUse          change the calendar from a date on: usage was counted in the present one
├── InvalidExchangeRate    correct the rate, or the lines of the file that the message names
├── MissingExchangeRate    set a rate that holds on the day that the message names
├── CostReportRefused      correct the places of the file that the message names; nothing of it was stored
├── PeriodRefused          close other days, or wait: the message says which
├── NoSuchRecord           name a control record that exists
├── OrderRefused           nothing: the job has ended, or never was
└── NothingChanges         nothing: the newest revision says just that
"""

from collections.abc import Sequence
from typing import NamedTuple


class WarehouseError(Exception):
    """Any failure of the warehouse."""


class WarehouseUnavailable(WarehouseError):
    """The warehouse did not answer, or answered that it cannot now. Repeat the same write: it is idempotent."""


class WarehouseStrained(WarehouseUnavailable):
    """The statement took too long or too much memory."""


class WarehouseRefused(WarehouseError):
    """The warehouse understood and refused. Repeating changes nothing."""


class SignInFailed(WarehouseRefused):
    """The warehouse does not know this user or password; the password may have been changed."""


class StoredMeanwhile(WarehouseRefused):
    """Two revisions were stored under one number at once; neither this one nor its number is used."""


class NotReadAgain(WarehouseRefused):
    """Workers have not read again what the log held when a backup was restored; nothing was stored."""


class MigrationConflict(WarehouseError):
    """A numbered migration differs from what was applied."""


class InvalidOrganization(WarehouseError):
    """An organisation was described with something that cannot be."""


class CalendarInUse(WarehouseError):
    """An organisation cannot get another time zone or week start: its usage was counted in the present ones."""


class Problem(NamedTuple):
    """One thing that is wrong with an entry of the directory; the cure is the end of a sentence about the value."""

    field: str
    value: str
    cure: str

    def __str__(self) -> str:
        return f"{self.field}: {self.value[:100]!r} {self.cure}"


class InvalidEntry(WarehouseError):
    """An entry of the directory was described with something that cannot be."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


class InvalidDirectoryFile(WarehouseError):
    """A file of directory entries cannot be used as it is; nothing of it was written."""


class BackupInvalid(WarehouseError):
    """A backup is unfinished, damaged, or of a format that this version does not read."""


class RestoreRefused(WarehouseError):
    """A backup would be mixed with other data, or does not fit this version or this log."""


class InvalidExchangeRate(WarehouseError):
    """An exchange rate that cannot be; nothing of its list was stored."""


class MissingExchangeRate(WarehouseError):
    """Money of a day cannot be converted: no rate is known for it."""


class CostReportRefused(WarehouseError):
    """A provider's cost report cannot be used as it is; problems: each with its place and its cure."""

    def __init__(self, problems: Sequence[str]) -> None:
        shown = "; ".join(problems[:20])
        super().__init__(shown if len(problems) <= 20 else f"{shown}; and {len(problems) - 20} more")
        self.problems = tuple(problems)


class PeriodRefused(WarehouseError):
    """Days that cannot be closed now."""


class NoSuchRecord(WarehouseError):
    """No control record has this id."""


class OrderRefused(WarehouseError):
    """A job that cannot be paused, resumed or cancelled any more."""


class NothingChanges(WarehouseError):
    """A revision that would say what the newest one says."""
