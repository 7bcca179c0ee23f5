"""Read-only users: they read what is theirs, within their limits, and nothing else whatever the statement's shape."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.warehouse.embedded.running_warehouse import RunningWarehouse

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO usage VALUES ('acme', 1)",
        "INSERT INTO usage SELECT 'acme', 1",
        "INSERT INTO FUNCTION file('x.csv') SELECT 1",
        "CREATE TABLE x (a Int8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE x (a Int8)",
        "DROP TABLE usage",
        "ALTER TABLE usage DELETE WHERE 1",
        "OPTIMIZE TABLE usage",
        "SET max_threads = 1",
        "SET additional_table_filters = {}",
        "USE system",
        "KILL QUERY WHERE 1",
        "SYSTEM FLUSH LOGS",
        "BACKUP TABLE usage TO File('x')",
        "SELECT 1; DROP TABLE usage",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT * FROM usage SETTINGS additional_table_filters = {'default.usage': '1'}",
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "WITH x AS (SELECT 1) INSERT INTO usage SELECT 'a', * FROM x",
    ],
)
@pytest.mark.parametrize("user", ["analyst", "acme"])
def test_readers_change_nothing(warehouse: RunningWarehouse, user: str, sql: str) -> None:
    warehouse.refuses(sql, 164, user)
    assert warehouse.ask("SELECT count() FROM usage") == "100"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "DESCRIBE file('/etc/passwd')",
        "EXPLAIN SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM FILE /* x */ ('/etc/passwd', 'LineAsString')",
        "SELECT * FROM `fi\\x6ce`('/etc/passwd', 'LineAsString')",
        "SELECT * FROM \"file\"('/etc/passwd')",
        "SELECT file('/etc/passwd')",
        "SELECT 1 IN (SELECT 1 FROM merge('default', 'usage'))",
        "SELECT * FROM view(SELECT * FROM merge('default', 'usage'))",
        "WITH x AS (SELECT * FROM mergeTreeIndex('default', 'usage')) SELECT * FROM x",
        "SELECT * FROM url('http://127.0.0.1')",
        "SELECT * FROM s3('http://127.0.0.1/x')",
        "SELECT * FROM remote('127.0.0.1', 'default', 'usage')",
        "SELECT * FROM executable('id', 'TSV', 'a String')",
        "SELECT * FROM loop(usage) LIMIT 1",
        "SELECT * FROM python('x')",
        "SELECT * FROM eval('SELECT 1')",
        "SELECT * FROM cluster('default', 'default', 'usage')",
        "SELECT * FROM dictionary('x')",
    ],
)
@pytest.mark.parametrize("user", ["analyst", "acme"])
def test_table_functions_are_denied_but_for_a_few(warehouse: RunningWarehouse, user: str, sql: str) -> None:
    warehouse.refuses(sql, 497, user)


def test_harmless_table_functions_and_words_are_not_mistaken(warehouse: RunningWarehouse) -> None:
    for sql in (
        "SELECT count() FROM numbers(3)",
        "SELECT * FROM values('a Int8', 3)",
        "SELECT a FROM view(SELECT 3 AS a)",
        "SELECT 'file(' = 'x' OR 1 FROM (WITH file AS (SELECT 1) SELECT * FROM file)",
        "EXISTS TABLE usage",
    ):
        assert warehouse.ask(sql, "acme") in ("1", "3")
    assert "organization" in warehouse.ask("DESCRIBE TABLE usage", "acme")
    assert "usage" in warehouse.ask("SHOW TABLES", "acme").split()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM usage",
        "SELECT count() FROM default.usage AS u WHERE u.tokens >= 0",
        "SELECT count() FROM (SELECT * FROM usage)",
        "WITH x AS (SELECT * FROM usage) SELECT count() FROM x",
        "SELECT count() FROM view(SELECT * FROM usage)",
        "SELECT count() FROM usage PREWHERE 1",
        "SELECT (SELECT count() FROM usage)",
        "SELECT count() FROM numbers(100) WHERE number IN (SELECT tokens FROM usage)",
        "SELECT count() FROM numbers(100) AS n JOIN usage AS u ON n.number = u.tokens",
        "SELECT countIf(organization = 'acme' OR 1) FROM usage WHERE organization != '' OR 1",
        "SELECT 'acme' AS organization, count() AS n FROM usage GROUP BY ALL FORMAT JSONCompactColumns",
    ],
)
def test_a_row_filter_holds_in_every_shape_of_a_query(warehouse: RunningWarehouse, sql: str) -> None:
    answer = warehouse.ask(sql, "acme")
    assert "25" in answer.split("\n")[-2 if "JSON" in sql else -1]
    assert "100" not in answer


def test_a_row_filter_holds_behind_a_view_and_for_a_bound_name(warehouse: RunningWarehouse) -> None:
    assert warehouse.ask("SELECT organization, tokens FROM usage_view", "acme") == "acme\t1200"
    assert warehouse.ask("SELECT uniq(organization) FROM {t:Identifier}", "acme", param_t="usage") == "1"
    assert warehouse.ask("SELECT min(organization), max(organization) FROM usage", "acme") == "acme\tacme"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sum(rows) FROM system.parts",
        "SELECT * FROM SYSTEM.parts_columns",
        "SELECT * FROM `system`.processes",
        "SELECT 1 WHERE 1 IN (SELECT 1 FROM system.query_log)",
        "EXPLAIN ESTIMATE SELECT * FROM usage",
        "SELECT * FROM {d:Identifier}.{t:Identifier}",
    ],
)
def test_system_tables_that_tell_of_others_are_denied_to_users_with_filters(
    warehouse: RunningWarehouse, sql: str
) -> None:
    warehouse.refuses(sql, 497, "acme", param_d="system", param_t="parts")


def test_a_system_table_reached_by_another_way_is_empty(warehouse: RunningWarehouse) -> None:
    assert warehouse.ask("SELECT count() FROM parts", "acme", database="system") == "0"
    assert warehouse.ask("SHOW PROCESSLIST", "acme") == ""


@pytest.mark.parametrize("name", ["additional_table_filters", "readonly", "use_query_cache", "log_queries"])
def test_settings_of_a_reader_are_a_few(warehouse: RunningWarehouse, name: str) -> None:
    warehouse.refuses("SELECT 1", 164, "acme", **{name: "0"})
    assert warehouse.ask("SELECT getSetting('max_threads')", "acme", max_threads=1) == "1"


def test_limits_hold_and_can_only_be_lowered(warehouse: RunningWarehouse) -> None:
    warehouse.refuses("SELECT number FROM numbers(100000)", 396, "analyst")
    warehouse.refuses("SELECT sum(sipHash64(number)) FROM numbers(1000000000000)", 159, "analyst")
    warehouse.refuses("SELECT groupArray(repeat('x', 10000)) FROM numbers(1000000000)", 241, "analyst")
    limits = "SELECT getSetting('max_execution_time'), getSetting('max_result_rows')"
    assert warehouse.ask(limits, "analyst", max_execution_time=1, max_result_rows=999999) == "1\t5000"


def test_the_client_of_a_reader_knows_that_it_is_one(warehouse: RunningWarehouse) -> None:
    client = warehouse.client("acme")
    assert client.query("SELECT count() FROM usage").first_row == (25,)
    with pytest.raises(DatabaseError, match="readonly"):
        client.command("CREATE TABLE x (a Int8) ENGINE = Memory")
    client.close()
