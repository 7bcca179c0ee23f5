"""No alias of a generated query may equal a column."""

import pytest

from dashboards.assets import read_assets
from dashboards.labels import unlike_any_column

COLUMNS = sorted(
    {
        column["column_name"]
        for asset in read_assets()
        if asset.kind == "datasets"
        for column in asset.content["columns"]
    }
)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_alias_of_a_column_is_no_column(column: str) -> None:
    assert unlike_any_column(column) not in COLUMNS


def test_the_same_label_gives_the_same_alias() -> None:
    assert unlike_any_column("time") == "time_336074"


def test_two_labels_give_two_aliases() -> None:
    assert len({unlike_any_column(column) for column in COLUMNS}) == len(COLUMNS)
