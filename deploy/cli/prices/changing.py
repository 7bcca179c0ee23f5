"""Changes prices or multipliers by a command: an edit in; what it changes, a confirmation, a published revision out."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic

import typer
from clickhouse_connect.driver.client import Client

from deploy.cli.asking.asked import author_of, control_settings
from deploy.cli.asking.following import Following
from deploy.cli.asking.options import How, instant
from deploy.cli.console import console, narrow_console
from deploy.errors import DeployError, WrongSetting
from stream_jobs.configuring.change import Asked, Done, Edit, Plan, carried_out, planned
from stream_jobs.configuring.ledger import Ledger
from stream_jobs.configuring.said import Row
from stream_jobs.control.publisher import Publisher
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.pricing.errors import PriceListRefused, RevisionMissing
from stream_jobs.pricing.price_row import ALWAYS
from warehouse.errors import NothingChanges

COMMAND_LINE: Final = "command line"
REFUSALS: Final = (PriceListRefused, CreditRulesRefused, RevisionMissing)


@dataclass(frozen=True, slots=True)
class Changing(Generic[Row]):
    """One command's change. show: tells people what a plan changes."""

    client: Client
    ledger: Ledger[Row]
    organization: str
    how: How
    show: Callable[[Plan[Row]], None]

    def make(self, edit: Edit[Row], source: str = COMMAND_LINE) -> None:
        """Shows what would change, asks a person, stores, publishes and waits, as far as that is wanted.

        Raises WrongSetting without a terminal and without --yes, DeployError for what cannot be.
        """
        try:
            plan = planned(self.client, self.ledger, self.organization, edit)
            self.show(plan)
            if self.how.dry_run:
                console().print("nothing was stored: --dry-run")
                return
            self._confirm()
            self._tell(self._stored(edit, source))
        except REFUSALS as problem:
            raise DeployError(str(problem)) from None
        except NothingChanges as nothing:
            console().print(str(nothing))

    def _confirm(self) -> None:
        if self.how.yes:
            return
        if not sys.stdin.isatty():
            raise WrongSetting("nobody can be asked here: add --yes, or --dry-run to look only")
        typer.confirm(f"Put these {self.ledger.kind} in force?", abort=True)

    def _stored(self, edit: Edit[Row], source: str) -> Done[Row]:
        asked = Asked(author_of(self.how), self.how.note, source, datetime.now(UTC))
        publisher = Publisher(control_settings(), self.client)
        try:
            return carried_out(publisher, self.ledger, self.organization, edit, asked)
        finally:
            publisher.close()

    def _tell(self, done: Done[Row]) -> None:
        whose = f" of {self.organization}" if self.organization else ""
        missing = [each for each in done.published if not each.is_complete]
        where = "stored; it is published as soon as Kafka answers" if missing else "published"
        revision = done.revision
        console().print(f"{revision.kind} revision {revision.revision}{whose}: {where} ({revision.control_id})")
        names = [each.control_id for each in done.published]
        if self.how.wait and not Following(self.client, narrow_console(stderr=True)).until_finished(names):
            raise typer.Exit(1)


def since(text: str) -> datetime:
    """The instant of --from, to the second: now without one, and the beginning of time for `always`."""
    if text == "always":
        return ALWAYS
    moment = instant("--from", text) or datetime.now(UTC)
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise WrongSetting(f"--from {text}: write a date from 1970 to 2105") from None
