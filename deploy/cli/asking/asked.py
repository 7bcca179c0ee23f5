"""Asks for something in the log: bodies in; a dry run, a confirmation, published records and their progress out."""

import getpass
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import typer
from clickhouse_connect.driver.client import Client

from deploy.cli.asking.amount import amount
from deploy.cli.asking.following import Following
from deploy.cli.asking.options import How
from deploy.cli.asking.report import difference_table, moves_table, summary
from deploy.cli.console import console, narrow_console
from deploy.cli.known import remark_on_organization
from deploy.errors import DeployError, WrongSetting
from deploy.local.installation import Installation
from producers.control.bodies import MAX_EVENTS
from producers.control.record import ControlRecord
from producers.control.request import content_of
from producers.timeliness.rules import TimeRules
from stream_jobs.control.difference import Difference, difference, together
from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.errors import NoErasureKey
from stream_jobs.pricing.errors import PriceListRefused, RevisionMissing

LONGEST_PLACE: Final = 65_535
"""No log partition has a longer number."""


def author_of(how: How) -> str:
    """Who asks."""
    return how.author or getpass.getuser()


def control_settings() -> ControlSettings:
    """Where this installation publishes."""
    installation = Installation.from_environment()
    settings = installation.settings
    return ControlSettings(
        home=installation.home.folder,
        partitions=settings.partitions,
        kafka_bootstrap=installation.plan.kafka_bootstrap,
        events_topic=settings.events_topic,
        topic_generation=settings.topic_generation,
        usage_retention_days=settings.usage_retention_days,
    )


@dataclass(slots=True)
class Request:
    """One command's request: records of one kind about one organisation ("": all)."""

    client: Client
    kind: str
    organization: str
    how: How

    def make(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Shows what would change, asks a person, publishes and waits, as far as that is wanted.

        Raises WrongSetting without a terminal and without --yes, ControlRefused for what cannot be asked for,
        typer.Exit with 1 when it was waited for and did not succeed.
        """
        records = [self._record(body) for body in bodies]
        for record in records:
            record.value(LONGEST_PLACE)  # all of them are checked before the first one is published
        if not (self.how.dry_run or self.how.yes or sys.stdin.isatty()):
            raise WrongSetting("nothing was asked for: there is no terminal to confirm it; give --yes or --dry-run")
        if remark := remark_on_organization(self.client, self.organization):
            print(remark, file=sys.stderr)
        if self.how.dry_run or not self.how.yes:
            self._show(records)
            if self.how.dry_run:
                return
            if not typer.confirm(f"Ask for it ({self.kind})?"):
                console().print("Nothing was asked for.")
                return
        self.publish(records)

    def publish(self, records: Sequence[ControlRecord]) -> None:
        """Publishes the records, and waits for them when that is wanted."""
        if len(records) > 1:
            console().print(f"{len(records)} records are asked for: one has room for {MAX_EVENTS:,} events or 900 KB.")
        publisher = Publisher(control_settings(), self.client)
        try:
            for record in records:
                self._told(record, publisher)
        finally:
            publisher.close()
        names = [record.control_id for record in records]
        if self.how.wait and not Following(self.client, narrow_console(stderr=True)).until_finished(names):
            raise typer.Exit(1)

    def _told(self, record: ControlRecord, publisher: Publisher) -> None:
        published = publisher.ask(record)
        if published.is_complete:
            places = ", ".join(f"{number}:{offset}" for number, offset in sorted(published.places.items()))
            where = (
                f"in the log at {places}"
                if len(published.places) <= 4
                else f"in {amount(len(published.places), 'partition')}"
            )
        else:
            where = "stored; it is published as soon as Kafka answers"
        console().print(f"{record.kind} {record.control_id}: {where}")

    def _record(self, body: dict[str, Any]) -> ControlRecord:
        content = content_of(self.kind, self.organization, body)
        return ControlRecord(
            str(uuid4()), self.kind, self.organization, content, author_of(self.how), self.how.note, datetime.now(UTC)
        )

    def _show(self, records: Sequence[ControlRecord]) -> None:
        settings = control_settings()
        times, tombstones = settings.times, settings.tombstones
        try:
            found = together([difference(self.client, record, times, tombstones) for record in records])
        except (RevisionMissing, PriceListRefused, CreditRulesRefused, NoErasureKey) as problem:
            raise DeployError(str(problem)) from None
        show(self.kind, found, times)


def show(kind: str, found: Difference, times: TimeRules) -> None:
    """The dry run for people."""
    output = console()
    if found.lines:
        output.print(difference_table(found))
    if found.moves:
        output.print(moves_table(found))
    output.print(summary(kind, found, times))
