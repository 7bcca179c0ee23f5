"""Clients that ask what the dashboard's charts ask, all the time: the next question as soon as one is answered."""

import itertools
import threading
import time
from pathlib import Path
from typing import Any

import yaml
from clickhouse_connect.driver.client import Client

from deploy.local.home import ROOT
from deploy.local.installation import Installation
from producers.synthetic.load import ORGANIZATIONS
from tests.running import client_of

ASSETS = ROOT / "dashboards/assets"
USER = "superset"
LAST_DAYS = 30


def questions() -> list[str]:
    """The statements of all charts that show usage, as the dashboard asks them."""
    datasets = {found["uuid"]: found for found in map(_read, sorted((ASSETS / "datasets").rglob("*.yaml")))}
    charts = [_read(path) for path in sorted((ASSETS / "charts").glob("*.yaml"))]
    shown = [(chart["params"], datasets[chart["dataset_uuid"]]) for chart in charts]
    return [_statement(chart, dataset) for chart, dataset in shown if dataset["table_name"].startswith("usage_")]


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def _statement(chart: dict[str, Any], dataset: dict[str, Any]) -> str:
    metrics = {metric["metric_name"]: metric["expression"] for metric in dataset["metrics"]}
    calculated = {column["column_name"]: column.get("expression") for column in dataset["columns"]}
    if chart.get("query_mode") == "raw":
        columns, order = ", ".join(chart["all_columns"]), "time DESC"
        return f"SELECT {columns} FROM {dataset['table_name']}{{where}} ORDER BY {order} LIMIT {chart['row_limit']}"
    names = [*([chart["x_axis"]] if "x_axis" in chart else []), *chart.get("groupby", [])]
    grouped = [f"{calculated.get(name) or name} AS {name}_shown" for name in names]
    asked = chart["metrics"] if "metrics" in chart else [chart["metric"]]
    summed = [f"{metrics[name]} AS {name}" for name in asked]
    sql = f"SELECT {', '.join([*grouped, *summed])} FROM {dataset['table_name']}{{where}}"
    if names:
        sql += f" GROUP BY {', '.join(f'{name}_shown' for name in names)}"
        sql += f" ORDER BY {asked[-1]} DESC LIMIT {chart['row_limit']}"
    return sql


class DashboardClients:
    """Some threads; the even ones look at one organisation each, the others at all."""

    def __init__(self, installation: Installation, number: int) -> None:
        self._clients = [client_of(installation, USER) for _ in range(number)]
        self._threads: list[threading.Thread] = []
        self._running = True
        self._seconds: list[float] = []
        self._failed: list[str] = []

    def start(self) -> None:
        """Begins to ask."""
        self._threads = [
            threading.Thread(target=self._ask, args=(number, client), daemon=True)
            for number, client in enumerate(self._clients)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns when every client has its last answer."""
        self._running = False
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int, client: Client) -> None:
        since = f"day >= today() - {LAST_DAYS}"
        one = f" AND organization = '{ORGANIZATIONS[number]}'" if number % 2 == 0 else ""
        for sql in itertools.cycle(questions()):
            if not self._running:
                return
            began = time.monotonic()
            try:
                client.query(sql.format(where=f" WHERE {since}{one}"))
            except Exception as failure:  # noqa: BLE001 - told in the figures; the others go on
                self._failed.append(str(failure)[:200])
            self._seconds.append(time.monotonic() - began)

    def lines(self, seconds: float) -> list[str]:
        """How many questions were answered and how quickly; what failed."""
        if not self._seconds:
            return []
        ordered = sorted(self._seconds)
        at = {share: ordered[int(share * (len(ordered) - 1))] * 1000 for share in (0.5, 0.95, 0.99)}
        found = [
            f"dashboards: {len(ordered)} questions ({len(ordered) / seconds:.1f}/s), p50 {at[0.5]:.0f} ms, "
            f"p95 {at[0.95]:.0f} ms, p99 {at[0.99]:.0f} ms, {len(self._failed)} failed"
        ]
        return [*found, *sorted(set(self._failed))[:3]]
