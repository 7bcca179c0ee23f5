"""Requests are counted by route and status; unknown paths share one name."""

from fastapi.testclient import TestClient


def test_counters(client: TestClient) -> None:
    client.get("/health")
    client.get("/v1/overview?organization=nobody")
    client.get("/a/b")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'tally_api_requests_total{route="/health",status="200"} 1.0' in lines
    assert 'tally_api_requests_total{route="/v1/overview",status="404"} 1.0' in lines
    assert 'tally_api_requests_total{route="unmatched",status="404"} 1.0' in lines
    assert 'tally_api_request_seconds_count{route="/health"} 1.0' in lines
