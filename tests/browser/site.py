"""A running Superset over a warehouse, as tests see it: addresses, REST and SQL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
from clickhouse_connect.driver.client import Client

from dashboards.superset_home import ADMIN


@dataclass(frozen=True)
class Site:
    """Superset with the pushed dashboards, and the warehouse behind it."""

    url: str
    password: str
    rest: httpx.Client
    """Logged in as the administrator."""
    warehouse: Client

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a question asked to the warehouse directly."""
        return [tuple(row) for row in self.warehouse.query(query).result_rows]

    def ids(self, resource: str, name: str) -> dict[str, int]:
        """Ids of Superset's charts or datasets by name."""
        answer = self.rest.get(f"/api/v1/{resource}/", params={"q": "(page_size:100)"}).raise_for_status()
        return {entry[name]: entry["id"] for entry in answer.json()["result"]}

    def ask(self, dataset: str, **query: object) -> list[dict[str, Any]]:
        """What Superset answers to a chart's question; decimals stay exact."""
        source = {"id": self.ids("dataset", "table_name")[dataset], "type": "table"}
        question = {"datasource": source, "force": True, "result_type": "full", "queries": [query]}
        answer = self.rest.post("/api/v1/chart/data", json=question)
        assert answer.status_code == 200, answer.text
        return rows(answer.text)


def rows(answer: str) -> list[dict[str, Any]]:
    """The rows of an answer of /api/v1/chart/data, floating point never touched."""
    found: list[dict[str, Any]] = json.loads(answer, parse_float=Decimal)["result"][0]["data"]
    return found


def axis(column: str, grain: str) -> dict[str, str]:
    """The x-axis of a chart over time."""
    return {
        "columnType": "BASE_AXIS",
        "expressionType": "SQL",
        "sqlExpression": column,
        "label": column,
        "timeGrain": grain,
    }


def logged_in(url: str, password: str) -> httpx.Client:
    """A client that may ask and write."""
    client = httpx.Client(base_url=url, timeout=60, trust_env=False)
    account = {"username": ADMIN, "password": password, "provider": "db"}
    token = client.post("/api/v1/security/login", json=account).raise_for_status().json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    client.headers["X-CSRFToken"] = client.get("/api/v1/security/csrf_token/").raise_for_status().json()["result"]
    client.headers["Referer"] = url
    return client


def money(values: Sequence[Decimal]) -> Decimal:
    """Exact sum."""
    return sum(values, Decimal(0))
