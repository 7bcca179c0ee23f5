"""Waits until what was sent can be seen: positions in the log in, nothing out once the rollups contain them."""

import time
from collections.abc import Callable, Mapping

from clickhouse_connect.driver.client import Client
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from deploy.cli.warehouse import connected
from deploy.errors import ServiceFailed
from deploy.local.installation import Installation

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.2
_APPLIED = """
    SELECT src_partition % 1024 AS partition, max(applied_offset)
    FROM partition_progress
    WHERE topic = {topic:String}
    GROUP BY partition
"""

Offsets = Mapping[int, int]


def applied_offsets(client: Client, topic: str) -> Offsets:
    """Last offset per Kafka partition whose effects are stored completely."""
    rows = client.query(_APPLIED, parameters={"topic": topic}).result_rows
    return {int(partition): int(offset) for partition, offset in rows}


def missing(wanted: Offsets, applied: Offsets) -> int:
    """How many log positions up to the wanted ones are not applied yet."""
    return sum(max(0, offset - applied.get(partition, -1)) for partition, offset in wanted.items())


def wait_until_visible(
    wanted: Offsets,
    applied: Callable[[], Offsets],
    *,
    on_progress: Callable[[int], None] | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns once every wanted offset is applied; on_progress is told how many positions are missing.

    Raises ServiceFailed when nothing has moved for patience_seconds.
    """
    least = None
    deadline = now() + patience_seconds
    while left := missing(wanted, applied()):
        if on_progress:
            on_progress(left)
        if least is None or left < least:
            least, deadline = left, now() + patience_seconds
        elif now() >= deadline:
            raise ServiceFailed(
                f"everything is stored, but the worker has not moved for {patience_seconds:.0f} s and {left} log "
                "positions are not counted yet: see ./tally status and ./tally logs worker-0; nothing is lost"
            )
        sleep(POLL_SECONDS)
    if on_progress:
        on_progress(0)


def wait_shown(console: Console, installation: Installation, wanted: Offsets) -> None:
    """Waits with a bar until the worker has counted everything up to these positions."""
    topic = installation.settings.events_topic
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} envelopes"),
    )
    with (
        connected("tally") as (client, _),
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        total = missing(wanted, applied_offsets(client, topic))
        task = bar.add_task("Counting", total=total)
        wait_until_visible(
            wanted,
            lambda: applied_offsets(client, topic),
            on_progress=lambda left: bar.update(task, completed=total - left),
        )
