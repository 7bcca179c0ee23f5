"""What the driver raises becomes what the caller can do: wait, sign in again, or stop."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from warehouse.client import classified
from warehouse.errors import SignInFailed, WarehouseError, WarehouseRefused, WarehouseUnavailable
from warehouse.reasons import reason


def told(code: int, words: str) -> DatabaseError:
    return DatabaseError(
        f"Received ClickHouse exception, code: {code}, server response: Code: {code}. DB::Exception: {words}", code=code
    )


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (told(241, "Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)"), "out of memory"),
        (told(243, "Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)"), "disk full"),
        (told(75, "Cannot write to file: errno: 28, strerror: No space left on device."), "disk full"),
        (told(1001, "std::exception. filesystem error: cannot create: No space left on device"), "disk full"),
        (told(75, "Cannot write to file: errno: 30, strerror: Read-only file system."), "its disk is read-only"),
        (
            told(252, "Too many parts (3000). Merges are processing slower than inserts."),
            "too many parts, merges are behind",
        ),
        (told(202, "Too many simultaneous queries."), "too many queries at once"),
        (told(999, "Keeper error"), "its keeper does not answer"),
        (told(107, "Cannot open file store/80f/all_1_21_5/statistics.packed: , errno: 2"), "error 107"),
        (told(710, "Injected"), "error 710"),
        (DatabaseError("HTTP driver received HTTP status 503"), "it refuses work (HTTP 503)"),
        (DatabaseError("HTTP driver received HTTP status 429"), "too many queries at once (HTTP 429)"),
        (OperationalError("Error ConnectionRefusedError(111, 'Connection refused')"), "nothing listens at its address"),
        (OperationalError("Error HTTPConnectionPool: Read timed out. (read timeout=60)"), "no answer in time"),
        (ConnectionResetError(104, "Connection reset by peer"), "the connection broke off"),
        (OSError("something else"), "the warehouse does not serve now: something else"),
    ],
)
def test_what_may_pass_is_waited_for_and_told_in_a_few_words(failure: Exception, words: str) -> None:
    known = classified(failure)
    assert isinstance(known, WarehouseUnavailable)
    assert reason(known) == words


@pytest.mark.parametrize("code", [192, 193, 194, 516])
def test_a_wrong_password_is_neither_waited_for_blindly_nor_the_end(code: int) -> None:
    known = classified(told(code, "Authentication failed"))
    assert isinstance(known, SignInFailed)
    assert reason(known) == "wrong user or password: set TALLY_WAREHOUSE_PASSWORD_FILE right"


@pytest.mark.parametrize(
    "failure",
    [
        told(60, "Unknown table"),
        told(62, "Syntax error"),
        told(252, "Too many partitions for single INSERT block (more than 100)."),
        told(497, "Not enough privileges"),
        told(164, "Cannot execute query in readonly mode"),
        told(1002, "std::exception"),
    ],
)
def test_what_no_waiting_cures_is_refused(failure: Exception) -> None:
    known: WarehouseError = classified(failure)
    assert type(known) is WarehouseRefused


def test_a_reason_is_never_empty_nor_long() -> None:
    assert reason(None) == "no answer"
    assert reason(OSError("x" * 500)) == "x" * 120
