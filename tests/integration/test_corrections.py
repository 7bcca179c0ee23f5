"""Corrections on a whole installation: asked for by command and over HTTP, done by workers, seen in the API."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from deploy.local.installation import Installation
from tests.running import Tally, until
from tokentally import partition_of
from tokentally.envelope import HEADER_CONTENT_TYPE, NDJSON

pytestmark = pytest.mark.integration
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=118_000)
"""A day that is closed: its rows are derived, and derived again by each correction."""
COST_USD = Decimal("0.0035")
"""Of 1,000 tokens in and 100 out of gpt-4o, at 2.5 and 10 USD per million."""
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(installation: Installation, key: str) -> Ask:
    """A request to the running API; fails the test when it is refused."""

    def asked(method: str, path: str, body: Any = None, **parameters: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{installation.plan.ports.api}{path}"
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.request(method, url, json=body, params=parameters, headers=headers, trust_env=False, timeout=60)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return asked


@pytest.fixture
def usage(ask: Ask) -> Callable[..., dict[str, tuple[int, Decimal]]]:
    """Requests and cost of an organisation by the values of a dimension, as the API answers."""

    def asked(organization: str, by: str = "user_id") -> dict[str, tuple[int, Decimal]]:
        days = {"from": str((YESTERDAY - timedelta(days=1)).date()), "to": str(datetime.now(UTC).date())}
        found = ask("GET", "/v1/usage/breakdown", organization=organization, by=by, range="custom", **days)
        parts = {each["value"]: (each["requests"], Decimal(each["cost_usd"])) for each in found["parts"]}
        assert found["whole"]["requests"] == sum(requests for requests, _ in parts.values())
        assert Decimal(found["whole"]["cost_usd"]) == sum(cost for _, cost in parts.values())
        return parts

    return asked


Usage = Callable[..., dict[str, tuple[int, Decimal]]]


@pytest.fixture
def send(installation: Installation, warehouse: Client, usage: Usage) -> Callable[[str], None]:
    """Sends a call of each of two users, yesterday and today, and waits until the API answers with them."""

    def sent(organization: str) -> None:
        now = datetime.now(UTC)
        times = {"yesterday": YESTERDAY, "today": now}
        events = [
            {
                "event_id": f"{user} {day}",
                "time": time.isoformat(timespec="milliseconds"),
                "organization": organization,
                "user_id": user,
                "provider": "openai",
                "model": "gpt-4o",
                "input_tokens": 1000,
                "output_tokens": 100,
            }
            for user in ("ada", "bob")
            for day, time in times.items()
        ]
        producer = Producer({"bootstrap.servers": installation.plan.kafka_bootstrap})
        producer.produce(
            installation.settings.events_topic,
            "\n".join(map(json.dumps, events)).encode(),
            partition=partition_of(organization, installation.settings.partitions),
            headers=[(HEADER_CONTENT_TYPE, NDJSON.encode())],
        )
        producer.flush(30)

        def known() -> bool:
            sql = "SELECT uniqExact(event_id) FROM usage_raw WHERE organization = {name:String}"
            return bool(warehouse.query(sql, parameters={"name": organization}).result_rows[0][0] == 4)

        until("all events in the warehouse", known)
        until("they are counted", lambda: usage(organization) == dict.fromkeys(("ada", "bob"), (2, 2 * COST_USD)))

    return sent


def finished(ask: Ask, control_id: str) -> dict[str, Any]:
    """The record, once nothing more will happen; it must be done."""
    ends = ("done", "failed", "refused", "cancelled")
    until("the record has ended", lambda: ask("GET", f"/v1/control/{control_id}")["state"] in ends)
    found = ask("GET", f"/v1/control/{control_id}")
    assert (found["state"], found["messages"]) == ("done", [])
    return found


def newest(ask: Ask, organization: str) -> dict[str, Any]:
    """The record that was asked for last about the organisation, in full."""
    (record, *_) = ask("GET", "/v1/control", organization=organization)["records"]
    return ask("GET", f"/v1/control/{record['control_id']}")


def test_a_void_event_is_counted_no_more(send: Callable[[str], None], usage: Usage, ask: Ask, tally: Tally) -> None:
    send("to-void")
    tally("void", "--organization", "to-void", "--user", "bob", "--until", str(YESTERDAY.date()), "--yes", "--wait")
    assert usage("to-void")["bob"] == (2, 2 * COST_USD), "both are later"
    tally("void", "--organization", "to-void", "--user", "bob", "--note", "a load test", "--yes", "--wait")
    assert usage("to-void") == {"ada": (2, 2 * COST_USD)}
    record = newest(ask, "to-void")
    assert (record["kind"], record["state"], record["note"]) == ("void", "done", "a load test")
    assert record["slices"]["events"] == 2


def test_feedback_amends_events(send: Callable[[str], None], usage: Usage, ask: Ask) -> None:
    send("to-amend")
    time = YESTERDAY.isoformat(timespec="milliseconds")
    events = [{"event_id": "ada yesterday", "time": time, "category": "code", "rating": 5}]
    asked = ask("POST", "/v1/feedback", {"organization": "to-amend", "events": events})
    finished(ask, asked["control_id"])
    assert usage("to-amend", "category") == {"": (3, 3 * COST_USD), "code": (1, COST_USD)}
    (amended,) = [each for each in ask("GET", "/v1/events", organization="to-amend")["events"] if each["category"]]
    assert (amended["rating"], amended["user_id"], amended["time"][:10]) == (5, "ada", time[:10])


def test_a_replacement_costs_what_the_dry_run_said(send: Callable[[str], None], usage: Usage, ask: Ask) -> None:
    send("to-replace")
    body = {"selection": {"user_id": "ada"}, "set": {"user_id": "eve", "input_tokens": 3000}}
    request = {"kind": "replace", "organization": "to-replace", "body": body}
    tried = ask("POST", "/v1/control", request | {"dry_run": True})["difference"]
    assert usage("to-replace")["ada"] == (2, 2 * COST_USD), "a dry run changes nothing"
    assert (Decimal(tried["before"]["cost_usd"]), Decimal(tried["after"]["cost_usd"])) == (
        2 * COST_USD,
        2 * (COST_USD + Decimal("0.005")),
    )
    asked = ask("POST", "/v1/control", request)
    assert finished(ask, asked["control_id"])["slices"]["events"] == 2
    assert usage("to-replace") == {"eve": (2, Decimal(tried["after"]["cost_usd"])), "bob": (2, 2 * COST_USD)}


def test_an_erased_user_is_gone_and_a_certificate_says_so(
    send: Callable[[str], None], usage: Usage, ask: Ask, tally: Tally, warehouse: Client
) -> None:
    send("to-erase")
    tally("erase", "--organization", "to-erase", "--user", "bob", "--yes", "--wait")
    assert usage("to-erase") == {"ada": (2, 2 * COST_USD)}
    sql = "SELECT count() FROM usage_raw WHERE organization = 'to-erase' AND user_id = 'bob'"
    assert warehouse.query(sql).result_rows == [(0,)]
    record = newest(ask, "to-erase")
    (place,) = record["places"]
    assert place["state"] == "done"
    assert place["certificate"]["subject"] == "user"
    assert place["certificate"]["removed"]["events"] == 2
    shown = json.loads(tally("control", "show", record["control_id"], "--json").stdout)
    assert shown["places"][0]["certificate"] == place["certificate"]
    assert '"removed"' in tally("control", "show", record["control_id"]).stdout


@pytest.mark.parametrize("way", ["http", "command"])
def test_a_repair_makes_damaged_rows_right(
    way: str, send: Callable[[str], None], usage: Usage, ask: Ask, tally: Tally, warehouse: Client
) -> None:
    organization = f"to-repair-by-{way}"
    send(organization)
    right = usage(organization)
    warehouse.command(
        "ALTER TABLE rollup UPDATE cost_nano_usd = cost_nano_usd + 1000 "
        f"WHERE organization = '{organization}' AND user_id = 'ada' SETTINGS mutations_sync = 2"
    )
    until("the damage shows", lambda: usage(organization)["ada"][1] > right["ada"][1])
    first, last = str((YESTERDAY - timedelta(days=1)).date()), str((datetime.now(UTC) + timedelta(days=1)).date())
    if way == "http":
        request = {"kind": "repair", "organization": organization, "body": {"first": first, "last": last}}
        finished(ask, ask("POST", "/v1/control", request)["control_id"])
    else:
        tally("repair", "--organization", organization, "--from", first, "--to", last, "--yes", "--wait")
    assert usage(organization) == right
