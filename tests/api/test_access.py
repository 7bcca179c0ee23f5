"""Who may read what: no key, wrong key, wrong scope, another's organisation."""

import pytest
from fastapi.testclient import TestClient

from api.access import Reader
from api.errors import Forbidden
from tests.api.fakes import FakeWarehouse
from warehouse.queries.rejected import LatestRejections

ROUTES = [
    "/v1/overview",
    "/v1/usage/timeline",
    "/v1/usage/breakdown?by=model",
    "/v1/events",
    "/v1/prices",
    "/v1/organizations",
    "/v1/directory",
    "/v1/directory/user/u1",
    "/v1/rejected",
    "/v1/rejected/reasons",
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ({"Authorization": ""}, 401, "unauthorized"),
        ({"Authorization": "Basic YTpi"}, 401, "unauthorized"),
        ({"Authorization": "Bearer nobody"}, 401, "unauthorized"),
        ({"Authorization": "Bearer ingest"}, 403, "forbidden"),
    ],
)
def test_a_valid_key_with_the_scope_is_needed(
    client: TestClient, warehouse: FakeWarehouse, route: str, header: dict[str, str], status: int, code: str
) -> None:
    answer = client.get(route, headers=header)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert warehouse.asked == []


def test_a_key_of_one_organization_never_reads_another(client: TestClient, warehouse: FakeWarehouse) -> None:
    for route in (route for route in ROUTES if "prices" not in route and "organizations" not in route):
        joined = route + ("&" if "?" in route else "?") + "organization=zen"
        answer = client.get(joined, headers={"Authorization": "Bearer acme"})
        assert answer.status_code == 403
        assert "this key reads the organisation 'acme' only, not 'zen'" in answer.json()["error"]["message"]
    assert warehouse.asked == []


def test_the_organization_of_the_key_is_what_is_asked_for(client: TestClient, warehouse: FakeWarehouse) -> None:
    warehouse.answers[LatestRejections] = lambda query: []
    assert client.get("/v1/rejected", headers={"Authorization": "Bearer acme"}).json()["organization"] == "acme"
    assert warehouse.of(LatestRejections)[0].which.organization == "acme"


def test_a_reader_of_everything_chooses() -> None:
    assert Reader(None).choose("zen") == "zen"
    assert Reader(None).choose(None) is None
    assert Reader("acme").choose(None) == Reader("acme").choose("acme") == "acme"
    with pytest.raises(Forbidden):
        Reader("acme").choose("zen")
