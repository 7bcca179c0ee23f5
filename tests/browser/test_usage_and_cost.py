"""A person opens the dashboard "Usage and cost" in a browser and reads the numbers that SQL gives."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response, TimeoutError, sync_playwright

from dashboards.assets import read_assets
from dashboards.superset_home import ADMIN
from deploy.local.chromium import ensure
from tests.browser.site import Site, money, rows

pytestmark = pytest.mark.browser
CHROMIUM_ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
DEADLINE_MS = 60_000
CHARTS = {asset.content["slice_name"] for asset in read_assets() if asset.kind == "charts"}
TOTALS = "SELECT sum(cost_usd), sum(requests), sum(total_tokens), sum(credits), sum(errors) FROM usage_daily"
OVERLAYS = "[role=alert], .ant-empty, [data-test=loading-indicator], .loading"
"""What a person must not see: errors, empty charts, charts that still load."""

PARTS = ("[data-test-chart-name]", ".header-line", "table", "canvas", OVERLAYS)

STANDING_STILL = """() => {
    const before = window.drawn;
    window.drawn = [...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()).join();
    return window.drawn === before;
}"""
"""Charts draw themselves in with an animation; a picture is taken after it."""


@dataclass
class Visit:
    """The dashboard in a browser, and what came over the wire while it opened."""

    page: Page
    site: Site
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Rows of each chart by its name."""
    failures: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listens to the page."""
        self.page.on("response", lambda response: self.responses.append(response))
        self.page.on("pageerror", lambda error: self.failures.append(str(error)))

    def open(self, filters: str = "") -> None:
        """Opens the dashboard and waits until every chart shows something."""
        self.answers.clear()
        self.responses.clear()
        names = {number: name for name, number in self.site.ids("chart", "slice_name").items()}
        self.page.goto(f"{self.site.url}/superset/dashboard/usage-and-cost/{filters}")
        try:
            self.page.wait_for_function(
                "([charts, overlays]) => document.querySelectorAll('[data-test-chart-name]').length === charts"
                " && document.querySelectorAll('.header-line').length === 5"
                " && document.querySelectorAll('table').length >= 4 && document.querySelectorAll('canvas').length === 4"
                " && document.querySelectorAll(overlays).length === 0",
                arg=[len(CHARTS), OVERLAYS],
                timeout=DEADLINE_MS,
            )
        except TimeoutError as late:
            raise AssertionError(self.seen()) from late
        self.failures += [f"{response.status} {response.url}" for response in self.responses if response.status >= 400]
        for response in self.responses:
            if response.url.startswith(f"{self.site.url}/api/v1/chart/data"):
                chart = (response.request.post_data_json or {}).get("form_data", {}).get("slice_id")
                if chart in names:
                    self.answers[names[chart]] = rows(response.text())

    def seen(self) -> str:
        """What is on the page and came over the wire, for whoever asks why it is not complete."""
        counts = {each: self.page.locator(each).count() for each in PARTS}
        overlays = [text.strip() for text in self.page.locator(OVERLAYS).all_inner_texts()]
        answers = [f"{response.status} {response.url}" for response in self.responses if "/api/v1/" in response.url]
        return f"{self.page.url}: {counts}, overlays {overlays}, failures {self.failures}, answers {answers}"

    def totals(self) -> list[str]:
        """The five big numbers as shown."""
        return [str(text).strip() for text in self.page.locator(".header-line").all_inner_texts()]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=ensure(), args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def visit(site: Site, browser: Browser) -> Iterator[Visit]:
    """A visitor far from UTC, logged in."""
    page = browser.new_page(viewport={"width": 1600, "height": 2860}, timezone_id="America/Los_Angeles")
    opened = Visit(page, site)
    signed_in(opened)
    opened.open()
    yield opened
    page.close()


def signed_in(visit: Visit) -> None:
    """Logs in as the administrator."""
    page = visit.page
    page.goto(f"{visit.site.url}/login/")
    page.fill("#username", ADMIN)
    page.fill("#password", visit.site.password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url, timeout=DEADLINE_MS)
    page.wait_for_load_state("networkidle")


def shown(cost: Decimal, requests: int, tokens: int, credits_used: Decimal, errors: int) -> list[str]:
    """The totals as a person reads them."""
    return [f"${cents(cost):,}", f"{requests:,}", f"{tokens:,}", f"{cents(credits_used):,}", f"{errors:,}"]


def cents(value: Decimal) -> Decimal:
    """Rounded to two places, as shown."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def test_the_totals_are_those_of_sql(visit: Visit) -> None:
    (expected,) = visit.site.sql(TOTALS)
    assert visit.totals() == shown(*expected)


def test_it_looks_right(visit: Visit, tmp_path: Path) -> None:
    folder = Path(os.environ.get("TALLY_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    visit.page.wait_for_function(STANDING_STILL, polling=300, timeout=DEADLINE_MS)
    visit.page.screenshot(path=folder / "usage_and_cost.png")
    assert visit.page.title() == "Usage and cost"
    assert visit.page.locator(OVERLAYS).count() == 0
    truncated = (
        "[...document.querySelectorAll('.header-title a')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    )
    assert visit.page.evaluate(truncated) == 0
    assert visit.failures == []


def test_every_chart_has_rows(visit: Visit) -> None:
    assert visit.answers.keys() == CHARTS
    assert [name for name, found in visit.answers.items() if not found] == []


def test_cost_per_day_by_model(visit: Visit) -> None:
    expected = visit.site.sql("SELECT day, model, sum(cost_usd) FROM usage_daily GROUP BY day, model")
    assert sum(len(row) - 1 for row in visit.answers["Cost per day by model"]) >= len(expected)
    found = {
        (datetime.fromtimestamp(int(row["date"]) / 1000, UTC).date(), model): cost
        for row in visit.answers["Cost per day by model"]
        for model, cost in row.items()
        if model != "date" and cost is not None
    }
    assert found == {(day, model): cost for day, model, cost in expected}


def test_tokens_and_requests_over_time(visit: Visit) -> None:
    outcomes = "sum(requests) - sum(errors), sum(errors)"
    tokens = "sum(total_input_tokens), sum(total_output_tokens)"
    days = visit.site.sql(f"SELECT {tokens}, {outcomes} FROM usage_daily GROUP BY day ORDER BY day")
    hours = visit.site.sql(f"SELECT {outcomes} FROM usage_hourly GROUP BY bucket ORDER BY bucket")
    assert figures(visit, "Tokens per day", "input_tokens_total", "output_tokens_total") == [row[:2] for row in days]
    assert figures(visit, "Requests and errors per day", "succeeded_total", "errors_total") == [row[2:] for row in days]
    assert figures(visit, "Requests and errors per hour", "succeeded_total", "errors_total") == hours


def figures(visit: Visit, chart: str, *columns: str) -> list[tuple[Any, ...]]:
    """What the chart draws."""
    return [tuple(row[column] for column in columns) for row in visit.answers[chart]]


def test_top_users_and_models(visit: Visit) -> None:
    users = visit.site.sql(
        "SELECT organization, if(user_id = '', '(unknown)', user_id), sum(requests), sum(total_tokens), sum(cost_usd),"
        " sum(credits) FROM usage_daily GROUP BY 1, 2 ORDER BY 5 DESC"
    )
    columns = ("organization", "user", "requests_total", "tokens_total", "cost_usd_total", "credits_total")
    assert figures(visit, "Top users", *columns) == users
    models = visit.site.sql("SELECT model, sum(cost_usd) FROM usage_daily GROUP BY 1 ORDER BY 2 DESC")
    assert figures(visit, "Usage by model", "model", "cost_usd_total") == models


def test_latest_events_are_shown_in_utc(visit: Visit) -> None:
    events = visit.site.sql("SELECT time, cost_usd FROM usage_events ORDER BY time DESC LIMIT 100")
    assert [row["cost_usd"] for row in visit.answers["Latest events"]] == [cost for _, cost in events]
    table = visit.page.locator("[data-test-chart-name='Latest events'] tbody tr td").first
    assert table.inner_text() == f"{events[0][0]:%Y-%m-%d %H:%M:%S}"


def test_prices_are_those_of_the_newest_revision(visit: Visit) -> None:
    prices = visit.site.sql(
        "SELECT provider, model, input_usd_per_million, output_usd_per_million, if(free = 1, 'free', '')"
        " FROM model_prices WHERE model != '' ORDER BY provider, model"
    )
    columns = ("provider", "model", "input_usd_per_million", "output_usd_per_million", "Free")
    assert figures(visit, "Model prices (USD per million tokens)", *columns) == prices


def test_filters_change_every_total(visit: Visit) -> None:
    organization = "NATIVE_FILTER-organization:(id:NATIVE_FILTER-organization,ownState:(),filterState:(value:!(acme)),"
    organization += "extraFormData:(filters:!((col:organization,op:IN,val:!(acme)))))"
    days = "NATIVE_FILTER-time:(id:NATIVE_FILTER-time,ownState:(),filterState:(value:'2026-10-15 : 2026-11-10'),"
    days += "extraFormData:(time_range:'2026-10-15 : 2026-11-10'))"
    visit.open(f"?native_filters=({organization},{days})")
    where = "organization = 'acme' AND day >= '2026-10-15' AND day < '2026-11-10'"
    (expected,) = visit.site.sql(f"{TOTALS} WHERE {where}")
    assert visit.totals() == shown(*expected)
    costs = [cost for row in visit.answers["Cost per day by model"] for key, cost in row.items() if key != "date"]
    assert money([cost for cost in costs if cost is not None]) == expected[0]


def test_nothing_is_fetched_from_elsewhere(visit: Visit) -> None:
    asked: list[str] = []
    visit.page.on("requestfinished", lambda request: asked.append(request.url))
    visit.page.reload()
    visit.page.wait_for_load_state("networkidle")
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(visit.site.url).netloc}
