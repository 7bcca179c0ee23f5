"""The rows of a state, and how one model came to its prices: numbers in, rows with who said them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic

from clickhouse_connect.driver.client import Client

from stream_jobs.configuring.ledger import Ledger
from stream_jobs.configuring.said import Owners, Row, Said, SaidOfModel, SaidRows
from stream_jobs.pricing.errors import RevisionMissing
from warehouse.control.history import History, StoredRevision
from warehouse.queries.query import ask

REVISIONS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class StateRows(Generic[Row]):
    """The rows of a state: those for everyone first, then each organization's own. owners: revision of each."""

    state: int
    owners: Mapping[str, int]
    said: Sequence[Said[Row]]

    @property
    def rows(self) -> list[Row]:
        """Without who said them."""
        return [each.row for each in self.said]


def state_rows(
    client: Client, ledger: Ledger[Row], state: int | None = None, organization: str | None = None
) -> StateRows[Row]:
    """The rows of a state, of the newest without a number.

    organization: only its own rows beside those for everyone, "": those for everyone alone; None: everybody's. Raises
    RevisionMissing when nobody has a revision of that number.
    """
    number, owners = ask(client, Owners(ledger.kind, state, organization))
    if not number:
        raise RevisionMissing(f"there is no {ledger.kind} revision {state}")
    return StateRows(number, owners, ask(client, SaidRows(ledger.row, owners)))


@dataclass(frozen=True, slots=True)
class Step(Generic[Row]):
    """One revision that changed something, with the rows before and after it that are looked at."""

    revision: StoredRevision
    before: tuple[Row, ...]
    after: tuple[Row, ...]


def history_of(client: Client, ledger: Ledger[Row], organization: str, provider: str, model: str) -> list[Step[Row]]:
    """The revisions of one owner that changed what is said of a model, newest first."""
    revisions = ask(client, History(ledger.kind, organization, limit=REVISIONS_MAX))
    said = ask(client, SaidOfModel(ledger.row, organization, provider, model))
    return steps(ledger, [(each, said.get(each.revision, [])) for each in revisions])


def steps(ledger: Ledger[Row], found: Sequence[tuple[StoredRevision, Sequence[Said[Row]]]]) -> list[Step[Row]]:
    """One owner's revisions with a model's rows in each: those that changed something, newest first."""
    made: list[Step[Row]] = []
    before: tuple[Row, ...] = ()
    for revision, said in sorted(found, key=lambda each: each[0].revision):
        after = tuple(each.row for each in said)
        if {ledger.same(row) for row in after} != {ledger.same(row) for row in before}:
            made.append(Step(revision, before, after))
        before = after
    return made[::-1]
