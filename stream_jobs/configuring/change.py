"""One change of prices or multipliers: planned from the newest state, then stored and published, or only shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Generic

from clickhouse_connect.driver.client import Client

from producers.control.record import ControlRecord
from producers.errors import ControlRefused
from stream_jobs.configuring.ledger import Ledger
from stream_jobs.configuring.one_at_a_time import one_at_a_time
from stream_jobs.configuring.said import Owners, Row, Said, said_in
from stream_jobs.control.publisher import Published, Publisher
from stream_jobs.pricing.errors import RevisionMissing
from stream_jobs.pricing.load import SEED
from warehouse.client import READ_OWN_WRITES, permitted
from warehouse.control import storing
from warehouse.control.read_again import require_read_again
from warehouse.control.revisions import Revision
from warehouse.control.storing import Draft, Record
from warehouse.control.unpublished import Unpublished
from warehouse.errors import NothingChanges
from warehouse.queries.query import ask

MAX_AUTHOR: Final = 200
Edit = Callable[[Sequence[Row], Sequence[Row]], Sequence[Row]]
"""The owner's rows, and everyone's (the same ones where the owner is everyone) in; the owner's new rows out."""


@dataclass(frozen=True, slots=True)
class Plan(Generic[Row]):
    """What a change would make of an owner's rows.

    state: the newest there is; revision: the owner's in it, 0 for none.
    """

    organization: str
    state: int
    revision: int
    before: tuple[Said[Row], ...]
    after: tuple[Row, ...]
    everyones: tuple[Row, ...] = ()
    """What holds for an organization where it has nothing of its own."""

    @property
    def rows_before(self) -> list[Row]:
        """The rows as they are."""
        return [said.row for said in self.before]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who changes something, why, and where it comes from."""

    author: str
    note: str
    source: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Done(Generic[Row]):
    """A change that is stored. published: this one's record, and before it any that were left unpublished."""

    plan: Plan[Row]
    revision: Revision
    published: tuple[Published, ...]


def planned(client: Client, ledger: Ledger[Row], organization: str, edit: Edit[Row]) -> Plan[Row]:
    """What the edit would make of the newest state. Nothing is stored.

    Raises PriceListRefused and CreditRulesRefused for what cannot be, RevisionMissing, WarehouseUnavailable.
    """
    state, owners = ask(client, Owners(ledger.kind), permitted(client, READ_OWN_WRITES))
    if not state:
        raise RevisionMissing(f"no {ledger.kind} yet; write revision 1: python -m {SEED}")
    everyones = said_in(client, ledger.row, owners[""], "")
    mine = owners.get(organization, 0)
    before = said_in(client, ledger.row, mine, organization) if organization else everyones
    shared = ledger.known([said.row for said in everyones], ())
    rows = ledger.known([said.row for said in before], shared) if organization else shared
    after = tuple(edit(rows, shared))
    ledger.judge(rows, after, shared if organization else ())
    if organization:
        ledger.check(shared, after)
    else:
        ledger.check(after, [])
    return Plan(organization, state, mine, tuple(before), after, tuple(shared) if organization else ())


def carried_out(
    publisher: Publisher, ledger: Ledger[Row], organization: str, edit: Edit[Row], asked: Asked
) -> Done[Row]:
    """Plans the edit on the newest state, stores the revision that it makes, and publishes it.

    What was stored and never published (its author's process died) is published first, so that the log has revisions
    in the order of their numbers. Raises as `planned` does; ControlRefused without an author; NothingChanges;
    StoredMeanwhile; NotReadAgain and NoControlKey before anything is stored.
    """
    if not 0 < len(asked.author.strip()) <= MAX_AUTHOR:
        raise ControlRefused(f"author: say who changes the {ledger.kind}, in at most {MAX_AUTHOR} characters")
    publisher.settings.control_key()
    client = publisher.client
    with one_at_a_time(publisher.settings.home):
        require_read_again(client, publisher.settings.topic_generation)
        plan = planned(client, ledger, organization, edit)
        said = _said(ledger, plan, asked)
        if said == list(plan.before):
            publish_pending(
                publisher, ledger, asked.now
            )  # Perhaps it was stored before, and nobody lived to publish it.
            raise NothingChanges(f"the {ledger.kind} say just that since revision {plan.revision}: nothing changes")
        tables: dict[str, Sequence[Record]] = {ledger.kind: [ledger.record(each) for each in said]}
        tables |= storing.other_tables(client, ledger.kind, organization, plan.revision, ledger.kind)
        draft = Draft(ledger.kind, organization, tables, asked.author, asked.note, asked.source)
        revision = storing.store(client, draft, asked.now)
    return Done(plan, revision, tuple(publish_pending(publisher, ledger, asked.now)))


def _said(ledger: Ledger[Row], plan: Plan[Row], asked: Asked) -> list[Said[Row]]:
    """The new rows; those that say what was said before keep who said it, when, and by what source."""
    known = {ledger.same(said.row): said for said in plan.before}
    made = []
    for row in plan.after:
        former = known.get(ledger.same(row))
        if former is None:
            made.append(Said(row, asked.author, asked.note, asked.now))
        else:
            made.append(replace(former, row=replace(row, source=former.row.source)))
    return made


def publish_pending(publisher: Publisher, ledger: Ledger[Row], now: datetime) -> list[Published]:
    """Publishes every revision of the kind that no control record names, in the order of their numbers.

    What Kafka does not take now is stored in the outbox, and published later by whoever finishes it.
    """
    published = []
    for each in ask(publisher.client, Unpublished(ledger.kind)):
        revision = each.revision
        record = ControlRecord(
            revision.control_id, "config", revision.organization, revision.body, each.author, each.note, now
        )
        published.append(publisher.ask(record))
    return published
