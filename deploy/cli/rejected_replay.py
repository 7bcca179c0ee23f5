"""Puts refusals through again for the command line: which ones, a plan, sending, and waiting until it shows."""

import getpass
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import typer
from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.table import Table

from deploy.cli.console import folded, whole
from deploy.cli.ingest_key import ingest_key
from deploy.cli.rejected_report import QUARANTINED, plain
from deploy.cli.visibility import wait_shown
from deploy.cli.warehouse import connected
from deploy.errors import DeployError
from deploy.local.installation import Installation
from producers.timeliness.rules import TimeRules
from stream_jobs.pricing.load import load_multipliers, load_price_book
from stream_jobs.replays.payloads import Payload, payloads
from stream_jobs.replays.sending import CollectorAway, CollectorRefused, Sent, batches, mark, send
from stream_jobs.replays.verdicts import InForce, judged, names
from stream_jobs.worker.poison.rehearsal import Rehearsal
from stream_jobs.worker.settings import WorkerSettings
from warehouse.queries.query import ask
from warehouse.queries.refused import Refused, RefusedByIds, ReplaysOf
from warehouse.queries.rejected import LatestRejections, Rejection, RejectionFilter, RejectionPosition
from warehouse.settings import WarehouseSettings

PAGE = 500
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Replaying:
    """One run of the command."""

    installation: Installation
    console: Console

    def run(
        self,
        ids: Sequence[str],
        which: RejectionFilter,
        limit: int,
        edited: bytes | None,
        *,
        again: bool,
        dry_run: bool,
        yes: bool,
        wait: bool,
    ) -> None:
        """Plans, asks, sends and marks. Raises DeployError with what a person can do."""
        with connected("tally") as (client, warehouse):
            wanted = list(ids) or self._matching(client, which, limit)
            plan, skipped = self._planned(client, warehouse, wanted, edited, again=again)
            fine = [payload for payload in plan if not payload.problem]
            self._show(plan, skipped)
            if dry_run or not fine or not self._agreed(len(fine), yes=yes):
                return
            sent = self._send(client, fine, edited=edited is not None)
        accepted = [one for one in sent if one.outcome == "accepted"]
        tops: dict[int, int] = {}
        for one in accepted:
            if one.partition is not None and one.offset is not None:
                tops[one.partition] = max(one.offset, tops.get(one.partition, -1))
        if wait and tops:
            wait_shown(self.console, self.installation, tops)
        self.console.print(f"{len(accepted):,} events were accepted, {len(sent) - len(accepted):,} refused again.")
        for one in [one for one in sent if one.outcome != "accepted"][:SHOWN]:
            self.console.print(f"  {one.payload.rejection_id}: {one.reason}")

    def _matching(self, client: Client, which: RejectionFilter, limit: int) -> list[str]:
        found = list(matching(client, which, limit))
        if len(found) == limit:
            until = found[-1].time + timedelta(milliseconds=1)
            self.console.print(
                f"These are the newest {limit:,} that match; for older ones add --to {until.isoformat()}."
            )
        return [one.rejection_id for one in found]

    def _planned(
        self, client: Client, warehouse: WarehouseSettings, ids: Sequence[str], edited: bytes | None, *, again: bool
    ) -> tuple[list[Payload], int]:
        """The events with their verdicts, and how many are left out because they were sent before."""
        rules = InForce(TimeRules(), load_price_book(client), load_multipliers(client))
        plan: list[Payload] = []
        skipped = 0
        for start in range(0, len(ids), PAGE):
            part = ids[start : start + PAGE]
            found = ask(client, RefusedByIds(part))
            if unknown := sorted(set(part) - {one.rejection_id for one in found}):
                raise DeployError(f"there is no refusal {unknown[0]}; ./tally rejected list shows those there are")
            done = {(one.rejection_id, one.line) for one in ask(client, ReplaysOf(part)) if one.outcome == "accepted"}
            if edited is not None and done:
                raise DeployError(
                    f"{part[0]} was sent again and accepted before: another payload would be another event; "
                    "./tally rejected show tells where it went"
                )
            made = [payload for one in found for payload in self._payloads(one, edited, warehouse)]
            fresh = [payload for payload in made if again or (payload.rejection_id, payload.line) not in done]
            skipped += len(made) - len(fresh)
            plan += judged(fresh, rules, datetime.now(UTC))
        return plan, skipped

    def _payloads(self, refused: Refused, edited: bytes | None, warehouse: WarehouseSettings) -> list[Payload]:
        """The events of a refusal; those of poison only when they do no harm in a process of their own."""
        if not refused.reason.startswith(QUARANTINED):
            return payloads(refused, edited)
        rehearsal = Rehearsal(warehouse, WorkerSettings(partitions=self.installation.settings.partitions))
        try:
            return rehearsal.payloads(refused, edited)
        finally:
            rehearsal.close()

    def _send(self, client: Client, fine: Sequence[Payload], *, edited: bool) -> list[Sent]:
        address = f"http://127.0.0.1:{self.installation.plan.ports.collector}"
        headers = {"authorization": f"Bearer {ingest_key(self.installation.home)}"}
        by = f"{getpass.getuser()}@{socket.gethostname()}"
        sent: list[Sent] = []
        with httpx.Client(headers=headers, timeout=60.0, trust_env=False) as http:
            for batch in batches(fine):
                try:
                    became = send(http, address, batch)
                except (CollectorAway, CollectorRefused) as failure:
                    raise DeployError(
                        f"{failure}; {len(sent):,} events were sent, run the same command again for the others"
                    ) from None
                mark(client, became, by, edited=edited)
                sent += became
        return sent

    def _show(self, plan: Sequence[Payload], skipped: int) -> None:
        refused = [payload for payload in plan if payload.problem]
        self.console.print(
            f"{len(plan) - len(refused):,} events would be accepted, {len(refused):,} refused again"
            + (f", {skipped:,} were sent before (--again sends them once more)" if skipped else "")
            + "."
        )
        if not refused:
            return
        table = Table(
            whole("refusal"), "line", folded("organization"), folded("event"), "why", box=None, padding=(0, 2, 0, 0)
        )
        for payload in refused[:SHOWN]:
            table.add_row(payload.rejection_id, str(payload.line), *names(payload), plain(payload.problem))
        self.console.print(table)
        if len(refused) > SHOWN:
            self.console.print(f"… and {len(refused) - SHOWN:,} more")

    def _agreed(self, events: int, *, yes: bool) -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            self.console.print("Nothing was sent: run the same command with --yes.")
            return False
        return typer.confirm(f"Send {events:,} events?")


def matching(client: Client, which: RejectionFilter, limit: int) -> Iterator[Rejection]:
    """The newest refusals of a filter, page by page."""
    after = None
    while limit > 0:
        page = ask(client, LatestRejections(which, min(PAGE, limit), after))
        yield from page
        if len(page) < PAGE:
            return
        after = RejectionPosition(page[-1].time, page[-1].rejection_id)
        limit -= len(page)
