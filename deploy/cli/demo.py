"""`./tally demo`: plausible traffic of a few organisations, for the past days and then live."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Annotated

import typer
from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.progress import track

from deploy.cli.console import narrow_console
from deploy.cli.import_report import dashboard
from deploy.cli.ingest_key import ingest_key
from deploy.cli.visibility import Offsets, wait_shown
from deploy.cli.warehouse import connected
from deploy.errors import DeployError, WrongSetting
from deploy.local.installation import Installation
from producers.importers.collector_client import Collector, HttpCollector
from producers.importers.errors import ImporterError
from producers.importers.progress import highest
from producers.synthetic.cast import ORGANIZATIONS
from producers.synthetic.traffic import Event, events
from warehouse.directory.registration import organization_wished, registered

app = typer.Typer(add_completion=False)

BATCH_EVENTS = 2_000


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=0, max=3650, help="Days of the past to fill.")] = 30,
    count: Annotated[int, typer.Option("--events", min=1, help="About how many events in those days.")] = 60_000,
    live: Annotated[bool, typer.Option(help="Go on with live traffic until Ctrl-C.")] = True,
    rate: Annotated[float, typer.Option(min=0.001, max=1000, help="Live events per second, on average.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Another seed is other traffic.")] = 1,
    until: Annotated[str, typer.Option(help="End of the past, RFC 3339; this hour's start when absent.")] = "",
) -> None:
    """Send demonstration traffic: the past, then live. The past is the same each time: nothing is counted twice."""
    installation = Installation.from_environment()
    console = narrow_console()
    end = past_end(until, datetime.now(UTC))
    with connected("tally") as (client, _):
        register_organizations(client)
    address = f"http://127.0.0.1:{installation.plan.ports.collector}"
    try:
        with HttpCollector(address, ingest_key(installation.home)) as collector:
            if days:
                past = list(events(seed, end - timedelta(days=days), end, count / days / 86_400))
                positions = send_past(collector, past, lambda batches, total: _bar(console, batches, total))
                wait_shown(console, installation, positions)
                console.print(f"{len(past):,} events of the past {days} days are visible: {dashboard(installation)}")
            if live:
                console.print(f"Live traffic, {rate:g} events a second on average. Ctrl-C ends it.")
                with contextlib.suppress(KeyboardInterrupt):
                    send_live(collector, _live(seed, rate))
    except ImporterError as failure:
        raise DeployError(str(failure)) from None


def past_end(until: str, now: datetime) -> datetime:
    """Where the past ends: as given, else at the start of this hour, so that a repetition sends the same events.

    Raises WrongSetting for what is no instant.
    """
    if not until:
        return now.replace(minute=0, second=0, microsecond=0)
    try:
        return datetime.fromisoformat(until).astimezone(UTC)
    except ValueError:
        raise WrongSetting(f"--until {until}: write it like 2026-09-01T12:00:00Z") from None


def register_organizations(client: Client) -> None:
    """Registers the organisations of the demonstration with their calendars."""
    for organization in ORGANIZATIONS:
        texts = {"display_name": organization.display_name}
        wish = organization_wished(organization.name, organization.time_zone, organization.week_start, texts)
        registered(client, wish, datetime.now(UTC), "demonstration", "cli")


def send_past(
    collector: Collector, past: list[Event], shown: Callable[[Iterable[list[Event]], int], Iterable[list[Event]]]
) -> Offsets:
    """Sends all events in batches and returns the highest position per partition; `shown` wraps the batches.

    Raises DeployError when the collector rejects any of them: they are ours, so that is a fault of this program.
    """
    positions: dict[int, int] = {}
    batches = -(-len(past) // BATCH_EVENTS)
    for batch in shown(in_batches(iter(past), BATCH_EVENTS), batches):
        positions = highest(positions, _send(collector, batch))
    return positions


def send_live(
    collector: Collector,
    traffic: Iterator[Event],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Sends the events of each second once it is over; ends with the traffic."""
    for second, group in groupby(traffic, key=lambda event: str(event["time"])[:19]):
        over = datetime.fromisoformat(f"{second}+00:00") + timedelta(seconds=1)
        while (left_seconds := (over - now()).total_seconds()) > 0:
            sleep(left_seconds)
        for batch in in_batches(group, BATCH_EVENTS):
            _send(collector, batch)


def in_batches(traffic: Iterator[Event], size: int) -> Iterator[list[Event]]:
    """The events in lists of at most `size`."""
    while batch := list(islice(traffic, size)):
        yield batch


def _live(seed: int, rate: float) -> Iterator[Event]:
    start = datetime.now(UTC)
    return events(seed, start, start + timedelta(days=3650), rate)


def _send(collector: Collector, batch: list[Event]) -> Offsets:
    receipt = collector.send(batch)
    if receipt.rejections:
        place, reason = receipt.rejections[0]
        raise DeployError(f"the collector rejected {len(receipt.rejections)} events, e.g. {batch[place]}: {reason}")
    return receipt.positions


def _bar(console: Console, batches: Iterable[list[Event]], total: int) -> Iterable[list[Event]]:
    return track(
        batches, "Sending the past", total=total, console=console, transient=True, disable=not console.is_terminal
    )
