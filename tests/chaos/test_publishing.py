"""Rule E21: whoever dies while he publishes control records, every record that was stored reaches every partition."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.controls import DEATHS, Asked, Controls
from tests.chaos.log import LogReader
from tests.chaos.orders import Order, Refused, read_order
from tests.chaos.rounds import Run
from tests.chaos.stage import PARTITIONS, Stage
from tests.chaos.traffic import Traffic
from tests.conftest import free_port_base
from tests.running import until
from tokentally import partition_of

pytestmark = pytest.mark.chaos
RECORDS = 24
SECONDS = 180.0


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A stage without workers: nobody reads what is published."""
    stage = Stage.at(tmp_path / "home", free_port_base())
    try:
        stage.up()
        with closing(Run(stage, "publishing")) as running:
            yield running
    finally:
        stage.down()


def drawn() -> list[Asked]:
    """Records of every kind, each death among them, and every forgery."""
    traffic = Traffic("publishing", 0, PARTITIONS, round(time.time() * 1000))
    for _, _ in zip(range(40), traffic.envelopes(20_000, 60), strict=False):
        pass
    controls = Controls("publishing", 0)
    made: list[Asked] = []
    while len(made) < RECORDS or not set(DEATHS) <= {asked.die for asked in made}:
        made.append(controls.next(traffic))
    return made


def orders_in_the_log(run: Run) -> dict[str, set[int]]:
    """Partitions by control record; what is refused is left out."""
    installation = run.stage.installation
    bootstrap, topic = installation.plan.kafka_bootstrap, installation.settings.events_topic
    found: dict[str, set[int]] = defaultdict(set)
    with closing(LogReader(bootstrap, topic, PARTITIONS)) as log:
        for record in log.records({}, {}):
            if record.control is None:
                continue
            try:
                order: Order = read_order(
                    record.control.value, record.control.signature, run.stage.control_key, record.partition
                )
            except Refused:
                continue
            found[order.control_id].add(record.partition)
    return found


def test_e21_what_was_stored_reaches_every_partition_whoever_dies(run: Run) -> None:
    asked = drawn()
    for each in asked:
        run.publishing.ask(each)
    until("everything is asked for", run.publishing.is_idle, SECONDS)
    until("a publisher dies while it has nothing to do", run.publishing.kill)
    assert run.settled_outbox() == ""
    wanted = {
        each.control_id: {partition_of(each.organization, PARTITIONS)} if each.organization else set(range(PARTITIONS))
        for each in asked
        if not each.forged
    }
    assert orders_in_the_log(run) == wanted
    assert run.publishing.done["kill publisher"] > sum(bool(each.die) for each in asked) // 2
    assert run.publishing.revisions.missing(run.client) == []
