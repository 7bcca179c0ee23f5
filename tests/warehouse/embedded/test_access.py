"""What readers may do: limits only get lower, filters come last, trees with denied names are refused."""

import pytest

from warehouse.embedded.access import check_tree, reader_settings
from warehouse.embedded.errors import ClickHouseError
from warehouse.embedded.users import User

READER = User("ann", "", "reader", {"max_execution_time": "10", "max_threads": "2"})
FILTERED = User("acme", "", "reader", {}, {"db.t": "organization = 'it\\'s'"})
FUNCTIONS = ["file", "mergeTreeIndex", "numbers", "generateSeries", "s3"]


def tree(*lines: str) -> str:
    return "\n".join(("SelectWithUnionQuery (children 1)", *(f"    {line}" for line in lines)))


@pytest.mark.parametrize(("asked", "granted"), [("5", "5"), ("10", "10"), ("60", "10"), ("0", "10"), ("-1", "10")])
def test_limits_can_only_be_lowered(asked: str, granted: str) -> None:
    assert reader_settings(READER, {"max_execution_time": asked}, [])["max_execution_time"] == granted


def test_a_limit_that_is_no_number_is_refused() -> None:
    with pytest.raises(ClickHouseError, match="must be a number"):
        reader_settings(READER, {"max_execution_time": "long"}, [])


def test_the_users_own_settings_win() -> None:
    assert reader_settings(READER, {"max_threads": "64"}, [])["max_threads"] == "2"


@pytest.mark.parametrize(
    "name", ["readonly", "additional_table_filters", "use_query_cache", "max_memory_usage_for_user"]
)
def test_other_settings_are_refused(name: str) -> None:
    with pytest.raises(ClickHouseError, match="READONLY"):
        reader_settings(FILTERED, {name: "1"}, [])


def test_filters_come_last() -> None:
    settings = reader_settings(FILTERED, {"max_block_size": "5"}, ["parts", "one"])
    assert list(settings)[-1] == "additional_table_filters"
    assert settings["additional_table_filters"] == (r"{'db.t': 'organization = \'it\\\'s\'', 'system.parts': '0'}")
    assert "additional_table_filters" not in reader_settings(READER, {}, ["parts"])


@pytest.mark.parametrize(
    "line", ["Function file (children 1)", "Function FILE (children 1)", "Function mergetreeindex"]
)
def test_table_functions_that_reach_out_are_refused(line: str) -> None:
    with pytest.raises(ClickHouseError, match="ACCESS_DENIED") as caught:
        check_tree(tree(line), READER, FUNCTIONS)
    assert caught.value.status == 403


@pytest.mark.parametrize(
    "line",
    [
        "TableIdentifier system.parts",
        "TableIdentifier System.query_log (alias x)",
        "ExistsTableQuery system parts (children 2)",
        "Explain EXPLAIN ESTIMATE (children 1)",
        "Function dictGetOrDefault (children 1)",
    ],
)
def test_what_tells_of_others_rows_is_refused_to_users_with_filters(line: str) -> None:
    check_tree(tree(line), READER, FUNCTIONS)
    with pytest.raises(ClickHouseError, match="ACCESS_DENIED"):
        check_tree(tree(line), FILTERED, FUNCTIONS)


def test_the_rest_passes() -> None:
    lines = (
        "Function numbers (children 1)",
        "Function generateSeries",
        "Function sum",
        "TableIdentifier system.tables",
    )
    check_tree(tree(*lines, "Literal '\\n Function file'", "Identifier file"), FILTERED, FUNCTIONS)
