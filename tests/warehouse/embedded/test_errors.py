"""Errors keep ClickHouse's shape whatever words the driver puts around them."""

import pytest

from warehouse.embedded.errors import Fault, from_engine, refused


@pytest.mark.parametrize(
    "said",
    [
        "Code: 60. DB::Exception: Table t does not exist. (UNKNOWN_TABLE)",
        "Streaming insert append failed: Code: 60. DB::Exception: Table t does not exist. (UNKNOWN_TABLE)",
        "Code: 60. DB::Exception: Table t does not exist. (UNKNOWN_TABLE) (version 26.9.2.1)",
    ],
)
def test_the_engines_words_without_the_drivers(said: str) -> None:
    error = from_engine(RuntimeError(said))
    assert (error.code, error.status, error.name) == (60, 404, "UNKNOWN_TABLE")
    assert error.body("1.2") == (
        b"Code: 60. DB::Exception: Table t does not exist. (UNKNOWN_TABLE) (version 1.2 (official build))\n"
    )


def test_an_error_without_a_code_is_unknown() -> None:
    error = from_engine(RuntimeError("lost"))
    assert (error.code, error.status) == (1002, 500)
    assert "lost" in error.text


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.AUTHENTICATION_FAILED, 401),
        (Fault.ACCESS_DENIED, 403),
        (Fault.SESSION_NOT_FOUND, 404),
        (Fault.SYNTAX_ERROR, 400),
        (Fault.TOO_MANY_SIMULTANEOUS_QUERIES, 503),
        (Fault.READONLY, 500),
    ],
)
def test_statuses_are_those_of_a_server(fault: Fault, status: int) -> None:
    error = refused(fault, "No.")
    assert error.status == status
    assert error.text == f"Code: {int(fault)}. DB::Exception: No. ({fault.name})"
