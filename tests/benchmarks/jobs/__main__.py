"""What jobs on stored events cost, and how ordinary traffic fares beside them.

`./tally benchmark jobs [--events N] [--kinds amend,…] [--rate N] [--statements N] [--no-churn]`. The events are stored
through a real worker, then each kind of job is asked for through the real publisher while traffic goes on; corrections
follow each other on the same events, an erasure has its own. At the end what is stored is held against what was sent,
and the organisation is reconciled. Then the cost of configuration changes of single organisations.
"""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.table import Table

from deploy.local.installation import Installation
from stream_jobs.pricing.load import load_price_book
from tests.benchmarks.backlog import produce
from tests.benchmarks.drain import applied
from tests.benchmarks.figures import bar
from tests.benchmarks.jobs.asked import Asking, wait_for
from tests.benchmarks.jobs.churn import churn
from tests.benchmarks.jobs.longest import longest
from tests.benchmarks.jobs.orders import (
    AFTER,
    CORRECTIONS,
    ERASE,
    FIRST_REVISION,
    KINDS,
    REPLACED_INPUT_TOKENS,
    SECOND_REVISION,
    Told,
    body,
    wrong,
)
from tests.benchmarks.jobs.stored import StoredEvents
from tests.benchmarks.jobs.traffic import Traffic
from tests.benchmarks.jobs.window import Watch, Window
from tests.benchmarks.scene import STORES, fresh_installation, up
from tests.benchmarks.stored_rows import wait_for_merges
from tests.running import client_of
from tokentally.partition import partition_of
from warehouse.queries.reconcile.reconcile import EVERYTHING, Scope, reconcile

ORGANIZATION, USER = "org-stored", "user-erased"
WARM_SECONDS = 5
KEPT_WANTED = 0.7
MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Result:
    """One job: the time before it and the time it took."""

    kind: str
    events: int
    before: Window
    meanwhile: Window
    seconds: float

    @property
    def kept(self) -> float:
        """Share of ordinary traffic's rate."""
        return self.meanwhile.rate / self.before.rate if self.before.rate else 0.0

    def row(self) -> tuple[str, ...]:
        """For people."""
        cpu = self.meanwhile.cpu_beside(self.before)
        traffic = ("", "", "", "", "")
        if self.before.rate:
            traffic = (
                f"{self.before.rate:,.0f}",
                f"{self.meanwhile.rate:,.0f}",
                f"{self.kept:.0%}",
                f"{self.before.longest_wait_seconds:.1f}",
                f"{self.meanwhile.longest_wait_seconds:.1f}",
            )
        return (
            self.kind,
            f"{self.seconds:.1f}",
            f"{self.events / self.seconds:,.0f}",
            *traffic,
            f"{cpu['worker-0'] / self.events * MILLION:.1f}",
            f"{cpu['warehouse'] / self.events * MILLION:.1f}",
            f"{self.meanwhile.worker_mb:,}",
            f"{self.meanwhile.stolen:.0%}",
            f"{self.meanwhile.others_cores:.2f}",
        )


COLUMNS = (
    *("job", "s", "events/s", "traffic/s before", "meanwhile", "kept", "longest wait s before", "meanwhile"),
    *("worker CPU s/M", "warehouse CPU s/M", "worker MB", "stolen", "others' cores"),
)


@dataclass(slots=True)
class Run:
    """The jobs on one installation."""

    installation: Installation
    given: argparse.Namespace
    stored: StoredEvents
    client: Client
    asking: Asking
    traffic: Traffic | None
    told: Told = field(default_factory=Told)
    results: list[Result] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def begun(cls, installation: Installation, given: argparse.Namespace, user: str) -> "Run":
        """With everything stored, derived and merged, at rest."""
        client = client_of(installation)
        asking = Asking.of(installation, client)
        asking.second_prices()
        books = {number: load_price_book(client, number) for number in (FIRST_REVISION, SECOND_REVISION)}
        stored = StoredEvents(ORGANIZATION, user, given.events, given.days, books, REPLACED_INPUT_TOKENS)
        home = partition_of(ORGANIZATION, installation.settings.partitions)
        produce(installation, ((home, frame) for frame in stored.frames()), "arrow")
        up(installation, (*STORES, "worker"))
        traffic = None
        if given.rate != 0:
            traffic = Traffic(installation, ORGANIZATION, given.rate)
            traffic.prepare()
        run = cls(installation, given, stored, client, asking, traffic)
        began = time.monotonic()
        run.rest()
        print(f"{given.events:,} events of {given.days} days stored and merged in {time.monotonic() - began:.0f} s")
        run.check("stored")
        return run

    def whole(self, kinds: list[str]) -> tuple[list[Result], list[str]]:
        """The jobs one after the other: what they took, and what is not right."""
        for number, kind in enumerate(kinds):
            if kind == "void" and number:
                self.reconcile(kinds[number - 1])
            self.job(kind)
        self.reconcile(kinds[-1])
        return self.results, self.problems

    def rest(self) -> None:
        """Returns when everything that was sent is applied, derived and merged."""
        sent = self.given.events + (self.traffic.sent if self.traffic else 0)
        wait_for("all events", lambda: applied(self.client) >= sent or None)
        self.asking.wait_for_cascade()
        wait_for_merges(self.client)

    def job(self, kind: str) -> None:
        """One job with traffic before it and beside it."""
        if kind == "reprice":
            self.asking.second_prices_in_force()
        if self.traffic:
            self.traffic.start()
            time.sleep(WARM_SECONDS)
        before = Watch(self.installation, self.traffic)
        time.sleep(self.given.seconds)
        alone = before.ended()
        watch, began, since = Watch(self.installation, self.traffic), time.monotonic(), time.time()
        failure = self.asking.wait_for_job(self.asking.ask(kind, ORGANIZATION, body(kind, self.stored)))
        seconds = time.monotonic() - began
        result = Result(kind, self.given.events, alone, watch.ended(), seconds)
        if self.traffic:
            self.traffic.stop()
        self.results.append(result)
        told = ", ".join(f"{name} {value}" for name, value in zip(COLUMNS, result.row(), strict=True) if value)
        print(f"  {told}{', ' + failure if failure else ''}", flush=True)
        for line in self._statements(since, since + seconds):
            print(f"    {line}")
        if failure:
            self.problems.append(f"{kind} {failure}")
        self.told = AFTER[kind](self.told)
        self.rest()
        self.check(kind)

    def check(self, after: str) -> None:
        """Holds what is stored against what was sent."""
        found = wrong(self.client, self.stored, self.told)
        self.problems += [f"after {after}: {problem}" for problem in found]
        print(f"  after {after}: {'; '.join(found) or 'every total is right'}", flush=True)

    def reconcile(self, after: str) -> None:
        """Compares what is stored along the chain."""
        began = time.monotonic()
        scope = EVERYTHING if self.given.everything else Scope(ORGANIZATION)
        report = reconcile(self.client, scope)
        took = f"{report.rows:,} rows in {time.monotonic() - began:.0f} s"
        print(f"  after {after}: {report.differing or 'no'} differences in {took}", flush=True)
        if report.differing:
            self.problems.append(f"after {after}: {report.differing:,} differences, such as {report.differences[0]}")

    def _statements(self, since: float, until: float) -> list[str]:
        log = Path(self.installation.home.logs) / "warehouse_queries.log"
        return longest(log, since, until, self.given.statements) if self.given.statements else []


def jobs(given: argparse.Namespace, kinds: list[str], user: str) -> tuple[list[Result], list[str]]:
    """These kinds on a fresh installation: what they took, and what is not right."""
    with fresh_installation(STORES) as installation:
        return Run.begun(installation, given, user).whole(kinds)


def show(results: list[Result], given: argparse.Namespace) -> None:
    """The table, and the bars."""
    table = Table(*COLUMNS, box=None, padding=(0, 2, 0, 0))
    for result in results:
        table.add_row(*result.row())
    traffic = {None: "as much as is applied", 0: "none"}.get(given.rate, f"{given.rate or 0:,} events/s")
    print(f"\nJobs on {given.events:,} events of {given.days} days; ordinary traffic: {traffic}")
    Console(highlight=False, width=180).print(table)
    for result in results if given.rate != 0 else ():
        print(bar(f"ordinary traffic kept beside {result.kind}", result.kept, KEPT_WANTED, form=".0%"))


def kinds_of(text: str) -> list[str]:
    """Kinds between commas, in the order in which they are done; none for an empty text."""
    asked = [word for word in text.split(",") if word]
    if unknown := set(asked) - set(KINDS):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    return [kind for kind in KINDS if kind in asked]


def main() -> None:
    """Corrections, then an erasure, then configuration changes; exits 1 when anything stored is not right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--kinds", type=kinds_of, default=list(KINDS))
    parser.add_argument(
        "--rate", type=int, help="events/s of ordinary traffic; 0: none; not given: all that is applied"
    )
    parser.add_argument("--seconds", type=int, default=20, help="of ordinary traffic before each job")
    parser.add_argument("--statements", type=int, default=0, help="so many of the longest are told of each job")
    parser.add_argument(
        "--organizations", type=int, default=10_000, help="known while single ones change; 0: no changes"
    )
    parser.add_argument("--everything", action="store_true", help="the ordinary traffic is reconciled, too")
    parser.add_argument("--churn-seconds", type=int, default=60)
    given = parser.parse_args()
    results: list[Result] = []
    problems: list[str] = []
    for kinds, user in (
        ([k for k in given.kinds if k in CORRECTIONS], ""),
        ([k for k in given.kinds if k == ERASE], USER),
    ):
        if kinds:
            found, wrongs = jobs(given, kinds, user)
            results += found
            problems += wrongs
    if results:
        show(results, given)
    if given.organizations and not churn(given.organizations, given.churn_seconds):
        problems.append("not every change of an organisation came into force")
    for problem in problems:
        print(f"WRONG: {problem}")
    if problems:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
