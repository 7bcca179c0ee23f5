"""The dashboard over the whole pipeline: what was imported through the collector is what a person reads."""

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import httpx
import pytest
from clickhouse_connect.driver.client import Client
from playwright.sync_api import Browser

from deploy.local.installation import Installation
from deploy.local.secrets import Secrets
from tests.browser.site import Site, logged_in
from tests.browser.test_usage_and_cost import TOTALS, Visit, browser, shown, signed_in  # noqa: F401 - a fixture
from tests.integration.test_azure_trace import ORGANIZATION, Truth, import_trace, truth
from tests.running import Tally

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def imported(tally: Tally) -> Truth:
    import_trace(tally)
    return truth()


@pytest.fixture(scope="module")
def real_site(superset_installation: Installation, warehouse: Client, imported: Truth) -> Iterator[Site]:
    url = f"http://127.0.0.1:{superset_installation.plan.ports.superset}"
    password = Secrets(superset_installation.home.secrets).read("superset_admin")
    with closing(logged_in(url, password)) as rest:
        yield Site(url, password, rest, warehouse)


def test_the_dashboards_own_question_equals_the_truth(real_site: Site, imported: Truth) -> None:
    (answer,) = real_site.ask(
        "usage_daily",
        columns=["model"],
        metrics=["cost_usd_total", "requests_total"],
        filters=[{"col": "organization", "op": "IN", "val": [ORGANIZATION]}],
    )
    assert answer["model"] == "gpt-4o"
    assert answer["requests_total"] == imported.requests
    assert Decimal(answer["cost_usd_total"]) * 10**9 == imported.cost_nano_usd


def test_a_person_reads_the_same_totals_as_sql_gives(real_site: Site, browser: Browser) -> None:  # noqa: F811
    page = browser.new_page(viewport={"width": 1600, "height": 2860})
    visit = Visit(page, real_site)
    signed_in(visit)
    visit.open()
    (expected,) = real_site.sql(TOTALS)
    assert visit.totals() == shown(*expected)
    reported = page.request.post(f"{real_site.url}/superset/log/?explode=events", form={"events": "[]"})
    assert (reported.status, reported.url) == (200, f"{real_site.url}/superset/log/?explode=events")
    page.close()


def test_what_the_login_page_reports_leaves_a_sign_in_alone(real_site: Site) -> None:
    """An answer that sets a cookie, and comes after that to the sign-in, would undo it."""
    answer = httpx.post(f"{real_site.url}/superset/log/?explode=events", data={"events": "[]"})
    assert answer.status_code == 204
    assert not answer.cookies
