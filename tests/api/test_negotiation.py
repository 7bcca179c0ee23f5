"""CSV is given to who prefers it, with values as in JSON."""

import pytest
from pydantic import BaseModel
from starlette.requests import Request

from api.negotiation import csv_response, wants_csv


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        ("*/*", False),
        ("text/csv", True),
        ("text/csv, application/json", True),
        ("application/json, text/csv;q=0.5", False),
        ("text/csv; q=0.9, */*;q=0.8", True),
        ("text/csv;q=0", False),
        ("text/csv;q=x", False),
        ("text/html", False),
    ],
)
def test_accept(accept: str | None, wanted: bool) -> None:
    headers = [(b"accept", accept.encode())] if accept else []
    assert wants_csv(Request({"type": "http", "headers": headers})) is wanted


class Row(BaseModel):
    text: str
    flag: bool
    nothing: int | None
    metadata: dict[str, str]


def test_cells() -> None:
    row = Row(text='a,"b"', flag=False, nothing=None, metadata={"ü": "1"})
    response = csv_response([row, Row(text="", flag=True, nothing=0, metadata={})], Row.model_fields, None, "x.csv")
    assert bytes(response.body).decode() == (
        'text,flag,nothing,metadata\r\n"a,""b""",false,,"{""ü"": ""1""}"\r\n,true,0,\r\n'
    )
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "x-as-of" not in response.headers
