"""Models without a price: each is told once for each organisation, the most used ones first; analysts see volumes."""

import json
from datetime import UTC, date, datetime

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.audit.alerts import COLUMNS, KnownAlerts
from stream_jobs.audit.unpriced_alerts import ALERTS_PER_AUDIT, KIND, UnpricedModel, UnpricedModels, alerts_of_models
from tests.warehouse.engine import Engine
from tests.warehouse.recorded import Event, measures_of, store
from warehouse.queries.query import ask

NOW = datetime(2026, 4, 2, tzinfo=UTC)
MODEL = UnpricedModel("acme", "openai", "o9", 1200, date(2026, 3, 1), date(2026, 3, 2))


def test_a_new_model_is_told_once() -> None:
    (row,) = alerts_of_models([MODEL], set(), NOW)
    assert row[:4] == ("unpriced_model/acme/openai/o9", KIND, "acme", NOW)
    assert row[4].startswith(
        "openai's 'o9' has no price, or none for a part of its usage: 1,200 requests of acme since"
    )
    assert json.loads(row[5])["requests"] == 1200
    assert alerts_of_models([MODEL], {row[0]}, NOW) == []


def test_many_are_told_in_turns() -> None:
    many = [UnpricedModel("acme", "openai", f"m{number}", 1, NOW.date(), NOW.date()) for number in range(150)]
    first = alerts_of_models(many, set(), NOW)
    assert len(first) == ALERTS_PER_AUDIT
    assert len(alerts_of_models(many, {row[0] for row in first}, NOW)) == 50


@pytest.fixture
def unpriced(recorded: list[Event]) -> list[Event]:
    return [event for event in recorded if event["cost_status"] in ("unpriced", "partial")]


@pytest.mark.integration
def test_rollups_and_events_tell_of_the_same_models(
    engine: Engine, recorded: list[Event], unpriced: list[Event]
) -> None:
    with engine.database() as (client, _):
        store(client, recorded)
        models = ask(client, UnpricedModels())
        assert {(each.organization, each.provider, each.model): each.requests for each in models} == counted(unpriced)
        assert [each.requests for each in models] == sorted((each.requests for each in models), reverse=True)
        client.insert("alerts", alerts_of_models(models, set(), NOW), column_names=COLUMNS)
        assert alerts_of_models(models, ask(client, KnownAlerts()), NOW) == []
        assert seen(client) == expected(unpriced)


def counted(events: list[Event]) -> dict[tuple[str, str, str], int]:
    found: dict[tuple[str, str, str], int] = {}
    for event in events:
        key = (event["organization"], event["provider"], event["model"])
        found[key] = found.get(key, 0) + 1
    return found


def seen(client: Client) -> dict[tuple[str, ...], tuple[int, ...]]:
    columns = "organization, provider, model, cost_status, requests, total_tokens"
    return {
        tuple(row[:4]): tuple(row[4:]) for row in client.query(f"SELECT {columns} FROM unpriced_models").result_rows
    }


def expected(events: list[Event]) -> dict[tuple[str, ...], tuple[int, ...]]:
    found: dict[tuple[str, ...], tuple[int, ...]] = {}
    for event in events:
        key = (event["organization"], event["provider"], event["model"], event["cost_status"])
        sums, used = measures_of(event), found.get(key, (0, 0))
        found[key] = (used[0] + 1, used[1] + sums["total_input_tokens"] + sums["total_output_tokens"])
    return found
