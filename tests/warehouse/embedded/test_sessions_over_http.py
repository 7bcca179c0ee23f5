"""Sessions over HTTP: what SET and temporary tables leave lasts, what one request asked for does not."""

import threading

import pytest

from tests.warehouse.embedded.running_warehouse import RunningWarehouse

pytestmark = pytest.mark.integration

THREADS = "SELECT getSetting('max_threads')"


@pytest.fixture
def session(request: pytest.FixtureRequest) -> str:
    """A session id of the test's own."""
    return str(request.node.name)


def test_set_lasts_and_a_requests_own_settings_do_not(warehouse: RunningWarehouse, session: str) -> None:
    warehouse.ask("SET max_threads = 3", session_id=session)
    assert warehouse.ask(THREADS, session_id=session) == "3"
    block = "SELECT getSetting('max_threads'), getSetting('max_block_size') = 123"
    assert warehouse.ask(block, session_id=session, max_threads=1, max_block_size=123) == "1\t1"
    assert warehouse.ask(block, session_id=session) == "3\t0"
    warehouse.ask("SET max_block_size = 123", session_id=session, max_threads=1)
    assert warehouse.ask(block, session_id=session) == "3\t1"
    assert warehouse.ask(THREADS) != "3"


def test_a_failed_statement_leaves_no_settings_behind(warehouse: RunningWarehouse, session: str) -> None:
    warehouse.ask("SET max_threads = 3", session_id=session)
    warehouse.refuses("SELECT nothing", 47, session_id=session, max_threads=1, readonly=1)
    assert warehouse.ask(THREADS, session_id=session) == "3"
    warehouse.ask("CREATE TEMPORARY TABLE x (a Int8)", session_id=session)


def test_temporary_tables_and_use_last(warehouse: RunningWarehouse, session: str) -> None:
    warehouse.ask("CREATE TEMPORARY TABLE kept (a Int8)", session_id=session)
    warehouse.ask("INSERT INTO kept VALUES (7)", session_id=session)
    assert warehouse.ask("SELECT * FROM kept", session_id=session) == "7"
    warehouse.refuses("SELECT * FROM kept", 60)
    warehouse.ask("USE system", session_id=session)
    assert warehouse.ask("SELECT currentDatabase()", session_id=session) == "system"
    assert warehouse.ask("SELECT currentDatabase()", session_id=session, database="default") == "default"
    assert warehouse.ask("SELECT currentDatabase()", session_id=session) == "system"


def test_sessions_belong_to_their_user(warehouse: RunningWarehouse, session: str) -> None:
    warehouse.ask("SET max_threads = 3", session_id=session)
    warehouse.ask("CREATE TEMPORARY TABLE kept (a Int8)", session_id=session)
    assert warehouse.ask("SELECT getSetting('readonly')", "analyst", session_id=session) == "1"
    warehouse.refuses("SELECT * FROM kept", 60, "analyst", session_id=session)
    warehouse.refuses("INSERT INTO kept VALUES (1)", 164, "analyst", session_id=session)


def test_a_session_in_use_is_locked(warehouse: RunningWarehouse, session: str) -> None:
    asked = {"session_id": session, "query_id": session}
    slow = threading.Thread(target=warehouse.ask, args=("SELECT sleep(1)",), kwargs=asked)
    slow.start()
    warehouse.wait_until_it_runs(session)
    warehouse.refuses("SELECT 1", 373, session_id=session)
    slow.join()
    assert warehouse.ask("SELECT 1", session_id=session) == "1"


def test_a_client_may_ask_again_the_moment_it_has_its_answer(warehouse: RunningWarehouse) -> None:
    client = warehouse.client()
    assert [client.command("SELECT 1") for _ in range(50)] == [1] * 50
    with client.query_row_block_stream("SELECT number FROM numbers(500000)") as blocks:
        assert sum(len(block) for block in blocks) == 500_000
    assert client.command("SELECT 2") == 2
    client.close()


def test_a_session_can_be_demanded_and_expires(warehouse: RunningWarehouse, session: str) -> None:
    warehouse.refuses("SELECT 1", 372, session_id=session, session_check=1)
    warehouse.ask("SET max_threads = 3", session_id=session, session_timeout=60)
    assert warehouse.ask(THREADS, session_id=session, session_check=1) == "3"
    warehouse.ask("SELECT 1", session_id=session, session_timeout=0)
    warehouse.refuses("SELECT 1", 372, session_id=session, session_check=1)
    warehouse.refuses("SELECT 1", 374, session_id=session, session_timeout=3601)
