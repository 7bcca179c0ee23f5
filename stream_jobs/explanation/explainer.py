"""Explains events from the warehouse: an event's id in, how it got its cost, credits and billed amount out."""

from typing import Final
from uuid import UUID

import polars as pl
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from stream_jobs.control.repriced import NEEDED, QUANTITIES
from stream_jobs.credits.terms import Terms
from stream_jobs.credits.terms_of_state import terms_of_state
from stream_jobs.credits.terms_table import TermsTable
from stream_jobs.explanation.explanation import Explanation, InForce, MultiplierState, StoredMoney, explained
from stream_jobs.explanation.history import CountedUnder, changed_at_birth, counted_under
from stream_jobs.jobs.rewriting import as_born
from stream_jobs.pricing.load import multiplier_state_rows, oldest_revision, price_state_rows
from stream_jobs.pricing.price_book import PriceBook
from stream_jobs.worker.sink import READ_SETTINGS, whole
from warehouse.client import classified, permitted
from warehouse.queries.corrected import AwaitedChanges, FormerVersion, FormerVersions
from warehouse.queries.priced_calls import JobsOfRecords, RevisionAt, RevisionsOfState, RevisionTold
from warehouse.queries.query import ask, milliseconds
from warehouse.queries.traced import CountedEvent, CountedEvents

STATES_KEPT: Final = 4
"""Compiled price states that are kept: revisions never change, and compiling one takes most of the time."""
COLUMNS: Final = tuple(dict.fromkeys((*NEEDED, *StoredMoney.__dataclass_fields__)))
CALL: Final = f"""SELECT {", ".join(COLUMNS)}, {QUANTITIES} FROM usage_raw
WHERE organization = {{organization:String}} AND time = fromUnixTimestamp64Milli({{time:Int64}}, 'UTC')
    AND event_id = {{event_id:UUID}}
ORDER BY control_offset DESC, void DESC LIMIT 1"""


class Explainer:
    """Blocking; one thread at a time. Raises WarehouseUnavailable, WarehouseRefused, and RevisionMissing for a revision
    that is not stored."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._books: dict[tuple[int, str], PriceBook] = {}

    def explain(
        self, event_id: UUID | None, source_id: str, organization: str | None = None, under: int | None = None
    ) -> list[Explanation]:
        """The accepted events of an id, void ones too: none, one, or several of different times or organizations.

        event_id: None when only the sender's own key is known. under: a price revision for comparison.
        """
        events = ask(self._client, CountedEvents(event_id, source_id, organization))
        return [self._explained(event, under) for event in events]

    def _explained(self, event: CountedEvent, under: int | None) -> Explanation:
        former = ask(self._client, FormerVersions(event))
        under_which = self._counted_under(event, former)
        multipliers = self._revision(event, under_which.multipliers)
        in_force = InForce(
            self._prices(event.price_revision, event.organization),
            self._prices(under_which.prices, event.organization),
            MultiplierState(
                multipliers,
                multiplier_state_rows(self._client, multipliers, event.organization),
                self._terms(event, multipliers),
            ),
        )
        return explained(
            event,
            self._call(event),
            in_force,
            self._revisions(event, multipliers, under),
            former,
            None if under is None else self._prices(under, event.organization),
            changed_at_birth(event, former, ask(self._client, AwaitedChanges(event.event_id, event.organization))),
        )

    def _counted_under(self, event: CountedEvent, former: list[FormerVersion]) -> CountedUnder:
        records = [version.control_id for version in former]
        jobs = ask(self._client, JobsOfRecords(records)) if records else {}
        return counted_under(event.price_revision, event.partition, former, jobs)

    def _revision(self, event: CountedEvent, multipliers: int | None) -> int:
        """The state of the multipliers: None is the one in force where the event stands in the log, 0 the first."""
        if multipliers is None:
            multipliers = ask(self._client, RevisionAt("multipliers", event.partition, event.offset))
        return multipliers or oldest_revision(self._client, "multipliers")

    def _terms(self, event: CountedEvent, multipliers: int) -> Terms:
        table = TermsTable(terms_of_state(self._client, multipliers))
        return table.at(event.organization, milliseconds(event.time))

    def _prices(self, revision: int, organization: str) -> PriceBook:
        book = self._books.get((revision, organization))
        if book is None:
            rows = price_state_rows(self._client, revision, organization)
            while len(self._books) >= STATES_KEPT:
                del self._books[next(iter(self._books))]
            book = self._books[revision, organization] = PriceBook.from_rows(rows, revision=revision)
        return book

    def _revisions(self, event: CountedEvent, multipliers: int, under: int | None) -> list[RevisionTold]:
        prices = dict.fromkeys([event.price_revision, *([] if under is None else [under])])
        asked = [RevisionsOfState("prices", revision, event.organization) for revision in prices]
        asked.append(RevisionsOfState("multipliers", multipliers, event.organization))
        return list(dict.fromkeys(told for question in asked for told in ask(self._client, question)))

    def _call(self, event: CountedEvent) -> pl.DataFrame:
        parameters = {
            "organization": event.organization,
            "time": milliseconds(event.time),
            "event_id": str(event.event_id),
        }
        settings = permitted(self._client, READ_SETTINGS)
        try:
            body = self._client.raw_query(CALL, parameters=parameters, settings=settings, fmt="ArrowStream")
        except (Error, OSError) as failure:
            raise classified(failure) from failure
        frame = pl.DataFrame(pl.from_arrow(pa.ipc.open_stream(whole(body)).read_all()))
        return as_born(frame.rename({"quantities_text": "quantities"}))
