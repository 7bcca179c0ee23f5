"""The assets fit together and fit the warehouse's views."""

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import pytest

from dashboards.assets import Asset, WarehouseAddress, addressed, archive, fingerprint, read_assets
from warehouse.migrate import scripts

ASSETS = read_assets()
WAREHOUSE = WarehouseAddress(host="ch.example", port=8123, user="superset", database="usage")


def of_kind(kind: str) -> list[Asset]:
    return [asset for asset in ASSETS if asset.kind == kind]


DATASETS = {asset.content["uuid"]: asset.content for asset in of_kind("datasets")}
CHARTS = {asset.content["uuid"]: asset.content for asset in of_kind("charts")}
DASHBOARDS = [asset.content for asset in of_kind("dashboards")]
EACH_DATASET = pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset["table_name"])
EACH_CHART = pytest.mark.parametrize("chart", CHARTS.values(), ids=lambda chart: chart["slice_name"])
EACH_DASHBOARD = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard["slug"])


def view_columns(view: str) -> dict[str, str]:
    """Name and type of the columns that the view declares."""
    for script in scripts("views"):
        for statement in script.statements:
            declared = re.match(rf"CREATE OR REPLACE VIEW {view}\s*\((.*?)\n\)\s*AS", statement, re.S)
            if declared:
                return dict(re.findall(r"^\s*(\w+) (.+?) COMMENT '", declared[1], re.M))
    raise AssertionError(f"no view {view}")


def names(value: object) -> Iterator[str]:
    """Columns and metrics that a chart's parameters name; written-out SQL names none of the dataset's."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from names(entry)


def test_uuids_are_unique() -> None:
    uuids = [asset.content["uuid"] for asset in ASSETS if "uuid" in asset.content]
    assert [uuid for uuid, times in Counter(uuids).items() if times > 1] == []


def test_every_dataset_is_of_the_database() -> None:
    (database,) = of_kind("databases")
    assert {dataset["database_uuid"] for dataset in DATASETS.values()} == {database.content["uuid"]}


@EACH_DATASET
def test_columns_are_those_of_the_view(dataset: dict[str, Any]) -> None:
    physical = {column["column_name"]: column["type"] for column in dataset["columns"] if "expression" not in column}
    assert physical == view_columns(dataset["table_name"])


@EACH_DATASET
def test_no_metric_or_calculated_column_is_named_as_a_column_of_the_view(dataset: dict[str, Any]) -> None:
    calculated = {column["column_name"] for column in dataset["columns"] if "expression" in column}
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    assert (calculated | metrics) & view_columns(dataset["table_name"]).keys() == set()
    assert calculated & metrics == set()


@EACH_DATASET
def test_time_is_read_through_a_calculated_column(dataset: dict[str, Any]) -> None:
    columns = {column["column_name"]: column for column in dataset["columns"]}
    main = dataset["main_dttm_col"]
    assert main is None or (columns[main]["is_dttm"] and "expression" in columns[main])


@EACH_DATASET
def test_calculated_columns_and_metrics_use_columns_of_the_view(dataset: dict[str, Any]) -> None:
    known = view_columns(dataset["table_name"]).keys()
    for entry in [*dataset["metrics"], *(column for column in dataset["columns"] if "expression" in column)]:
        expression = re.sub(r"'[^']*'", "", entry["expression"])
        assert set(re.findall(r"\b[a-z_]+\b(?!\()", expression)) <= known, entry


@EACH_CHART
def test_a_chart_uses_what_its_dataset_has(chart: dict[str, Any]) -> None:
    dataset, params = DATASETS[chart["dataset_uuid"]], chart["params"]
    columns = {column["column_name"] for column in dataset["columns"]}
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    assert set(names([params.get(key, []) for key in ("groupby", "all_columns", "x_axis")])) <= columns
    assert set(names([params.get(key, []) for key in ("metrics", "metric", "timeseries_limit_metric")])) <= metrics
    assert params.get("column_config", {}).keys() <= columns | metrics
    assert params["viz_type"] == chart["viz_type"]


@EACH_CHART
def test_the_days_filter_reaches_every_chart_of_usage(chart: dict[str, Any]) -> None:
    filters = chart["params"]["adhoc_filters"]
    ranges = [entry["subject"] for entry in filters if entry.get("operator") == "TEMPORAL_RANGE"]
    usage = DATASETS[chart["dataset_uuid"]]["table_name"].startswith("usage_")
    assert ranges == (["date"] if usage else [])


@EACH_CHART
def test_an_axis_is_a_calculated_column(chart: dict[str, Any]) -> None:
    columns = {column["column_name"]: column for column in DATASETS[chart["dataset_uuid"]]["columns"]}
    axis = chart["params"].get("x_axis")
    assert axis is None or "expression" in columns[axis]


@EACH_CHART
def test_a_chart_is_on_exactly_one_dashboard(chart: dict[str, Any]) -> None:
    placed = [entry["meta"]["uuid"] for dashboard in DASHBOARDS for entry in placements(dashboard)]
    assert placed.count(chart["uuid"]) == 1


def placements(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    entries = dashboard["position"].values()
    return [entry for entry in entries if isinstance(entry, dict) and entry["type"] == "CHART"]


@EACH_DASHBOARD
def test_every_place_shows_a_chart_under_its_own_name(dashboard: dict[str, Any]) -> None:
    for entry in placements(dashboard):
        assert CHARTS[entry["meta"]["uuid"]]["slice_name"] == entry["meta"]["sliceName"]
    ids = [entry["meta"]["chartId"] for entry in placements(dashboard)]
    assert sorted(ids) == list(range(1, len(ids) + 1))


@EACH_DASHBOARD
def test_the_tree_of_places_is_connected_and_rows_fit(dashboard: dict[str, Any]) -> None:
    position = dashboard["position"]
    for key, entry in position.items():
        if not isinstance(entry, dict):
            continue
        assert entry["id"] == key
        for child in entry.get("children", []):
            assert position[child]["parents"] == [*entry.get("parents", []), key]
        if entry["type"] == "ROW":
            assert sum(position[child]["meta"]["width"] for child in entry["children"]) == 12


@EACH_DASHBOARD
def test_filters_ask_columns_that_exist(dashboard: dict[str, Any]) -> None:
    filters = dashboard["metadata"]["native_filter_configuration"]
    assert [entry["name"] for entry in filters] == ["Days", "Organisation", "Provider", "Model"]
    for entry in filters:
        for target in entry["targets"]:
            if target:
                columns = DATASETS[target["datasetUuid"]]["columns"]
                assert target["column"]["name"] in {column["column_name"] for column in columns}


@EACH_DASHBOARD
def test_only_the_price_list_ignores_the_filters(dashboard: dict[str, Any]) -> None:
    charts = {entry["meta"]["chartId"]: entry["meta"]["sliceName"] for entry in placements(dashboard)}
    for entry in dashboard["metadata"]["native_filter_configuration"]:
        ignored = [charts[chart] for chart in entry["scope"]["excluded"]]
        assert ignored == ["Model prices (USD per million tokens)"]


def test_the_connection_is_that_of_the_environment_and_holds_no_password() -> None:
    (database,) = [asset for asset in addressed(ASSETS, WAREHOUSE) if asset.kind == "databases"]
    assert database.content["sqlalchemy_uri"] == (
        "clickhousedb://superset:XXXXXXXXXX@ch.example:8123/usage?autogenerate_session_id=False"
    )


def test_https_and_strange_user_names_are_kept() -> None:
    warehouse = WarehouseAddress(host="ch.example", port=8443, user="a@b", database="usage", secure=True)
    assert warehouse.sqlalchemy_uri == (
        "clickhousedb://a%40b:XXXXXXXXXX@ch.example:8443/usage?autogenerate_session_id=False&secure=true"
    )


def test_the_archive_holds_every_asset_and_is_reproducible() -> None:
    bundle = archive(ASSETS)
    with zipfile.ZipFile(BytesIO(bundle)) as archived:
        assert {PurePosixPath(name) for name in archived.namelist()} == {"assets" / asset.path for asset in ASSETS}
    assert archive(read_assets()) == bundle


def test_the_fingerprint_changes_with_content_and_place() -> None:
    prints = {fingerprint(b"1", "x"), fingerprint(b"2", "x"), fingerprint(b"1", "y"), fingerprint(b"1", "x", "")}
    assert len(prints) == 4
