"""Agrees on other terms: a change and its date in; a stored and published revision of the multipliers out."""

from dataclasses import asdict, dataclass
from datetime import datetime

from clickhouse_connect.driver.client import Client

from producers.errors import ControlRefused
from stream_jobs.configuring.change import MAX_AUTHOR, Asked, publish_pending
from stream_jobs.configuring.ledger import MULTIPLIERS
from stream_jobs.configuring.one_at_a_time import one_at_a_time
from stream_jobs.configuring.said import Owners
from stream_jobs.control.publisher import Published, Publisher
from stream_jobs.credits.terms import TermsRow
from stream_jobs.credits.terms_change import ChangedTerms, TermsChange, changed_terms
from stream_jobs.credits.terms_of_state import terms_of_state
from stream_jobs.pricing.errors import RevisionMissing
from stream_jobs.pricing.load import SEED, newest_revision
from warehouse.client import READ_OWN_WRITES, permitted
from warehouse.control import storing
from warehouse.control.read_again import require_read_again
from warehouse.control.revisions import Revision
from warehouse.control.storing import Draft
from warehouse.queries.query import ask


@dataclass(frozen=True, slots=True)
class Agreed:
    """What became different. published: its record, and before it any that were left unpublished."""

    made: ChangedTerms
    revision: Revision
    published: tuple[Published, ...]


def planned_terms(
    client: Client, organization: str, effective_from: datetime, change: TermsChange, asked: Asked
) -> ChangedTerms:
    """What would become different in the newest state. Nothing is stored.

    Raises CreditRulesRefused for what cannot be, and when nothing would; WarehouseUnavailable.
    """
    rows = terms_of_state(client, newest_revision(client, "multipliers"))
    return changed_terms(rows, organization, effective_from, change, note=asked.note, source=asked.source)


def agree(
    publisher: Publisher, organization: str, effective_from: datetime, change: TermsChange, asked: Asked
) -> Agreed:
    """Stores the terms with a new revision of their owner, and publishes it.

    Raises as `planned_terms` does; ControlRefused without an author; StoredMeanwhile; NotReadAgain and NoControlKey
    before anything is stored. Kafka need not answer: what is stored is published later.
    """
    if not 0 < len(asked.author.strip()) <= MAX_AUTHOR:
        raise ControlRefused(f"author: say who sets the terms, in at most {MAX_AUTHOR} characters")
    publisher.settings.control_key()
    with one_at_a_time(publisher.settings.home):
        require_read_again(publisher.client, publisher.settings.topic_generation)
        made = planned_terms(publisher.client, organization, effective_from, change, asked)
        revision = store_terms(publisher.client, made.row, asked)
    return Agreed(made, revision, tuple(publish_pending(publisher, MULTIPLIERS, asked.now)))


def store_terms(client: Client, row: TermsRow, asked: Asked) -> Revision:
    """Stores the row beside its owner's others; one of the same date is replaced in the new revision only.

    Its caller keeps others from storing meanwhile. Raises RevisionMissing before the first multipliers;
    StoredMeanwhile, WarehouseUnavailable.
    """
    state, owners = ask(client, Owners("multipliers"), permitted(client, READ_OWN_WRITES))
    if not state:
        raise RevisionMissing(f"no multipliers yet; write revision 1: python -m {SEED}")
    owner = row.organization
    tables = storing.other_tables(client, "multipliers", owner, owners.get(owner, 0), "")
    record = {
        **{"organization": owner, "effective_from": row.effective_from},
        **asdict(row.terms),
        **{"author": asked.author, "note": asked.note, "source": asked.source, "created": asked.now},
    }
    others = [each for each in tables["terms"] if each["effective_from"] != row.effective_from]
    draft = Draft("multipliers", owner, {**tables, "terms": [*others, record]}, asked.author, asked.note, asked.source)
    return storing.store(client, draft, asked.now)
