"""The demonstration repeats itself exactly in the past, and plays at its own pace live."""

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from deploy.cli.demo import app, in_batches, past_end, send_live, send_past
from deploy.cli.warehouse import connected
from deploy.errors import DeployError, WrongSetting
from deploy.local.installation import Installation
from producers.synthetic.cast import ORGANIZATIONS
from producers.synthetic.traffic import events
from tests.producers.importers.fakes import FakeCollector

START = datetime(2026, 6, 1, 9, tzinfo=UTC)


def test_the_past_ends_with_the_last_full_hour_or_where_it_is_told_to() -> None:
    assert past_end("", datetime(2026, 6, 1, 9, 59, 3, 7, tzinfo=UTC)) == START
    assert past_end("2026-06-01T11:00:00+02:00", datetime.now(UTC)) == START
    with pytest.raises(WrongSetting, match="--until soon"):
        past_end("soon", START)


def test_the_past_is_sent_in_batches_and_sending_it_again_adds_nothing() -> None:
    collector = FakeCollector()
    past = list(events(1, START, START + timedelta(hours=2), 0.5))
    for _ in range(2):
        assert send_past(collector, past, lambda batches, _: batches) == {0: len(collector.batches) - 1}
    assert sum(collector.batches) == 2 * len(past)
    assert len(collector.events) == len(past) > 2_000


def test_a_rejected_event_stops_the_demonstration() -> None:
    collector = FakeCollector()
    collector.refused_models = {"gpt-4o"}
    with pytest.raises(DeployError, match="no such model"):
        send_past(collector, [{"event_id": "1", "model": "gpt-4o"}], lambda batches, _: batches)


def test_live_events_are_sent_when_their_second_is_over() -> None:
    collector = FakeCollector()
    clock = [START]
    sent_at = []

    def sleep(seconds: float) -> None:
        sent_at.append((clock[0], len(collector.events)))
        clock[0] += timedelta(seconds=seconds)

    traffic = list(events(1, START, START + timedelta(minutes=2), 1.0))
    send_live(collector, iter(traffic), now=lambda: clock[0], sleep=sleep)
    assert len(collector.events) == len(traffic)
    for moment, count in sent_at:
        over = sum(datetime.fromisoformat(str(event["time"])) < moment.replace(microsecond=0) for event in traffic)
        assert count == over
    assert clock[0] <= START + timedelta(minutes=2)


def test_batches_hold_everything_in_order() -> None:
    assert list(in_batches(iter([{"n": n} for n in range(5)]), 2)) == [
        [{"n": 0}, {"n": 1}],
        [{"n": 2}, {"n": 3}],
        [{"n": 4}],
    ]


@pytest.mark.integration
def test_the_past_is_visible_when_the_command_returns_and_again_changes_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLY_HOME", str(installation.home.folder))
    arguments = ["--no-live", "--days", "3", "--events", "3000", "--until", "2026-06-04T09:00:00Z"]
    sums = []
    for _ in range(2):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
        with connected("tally") as (client, _settings):
            sums.append(
                client.query(
                    "SELECT organization, sum(requests), sum(cost_usd), sum(total_tokens) FROM usage_daily "
                    "WHERE organization IN {names:Array(String)} GROUP BY organization ORDER BY organization",
                    parameters={"names": [organization.name for organization in ORGANIZATIONS]},
                ).result_rows
            )
    past = list(events(1, datetime(2026, 6, 1, 9, tzinfo=UTC), datetime(2026, 6, 4, 9, tzinfo=UTC), 3000 / 3 / 86_400))
    assert sum(row[1] for row in sums[0]) == len(past)
    assert sums[0] == sums[1]
