"""Events of the second before a bound and of the second after it are read, whichever granule they begin.

When it decides which granules of a DateTime64 key, or which parts, can hold matches, ClickHouse 26.9 takes
`time < toDateTime(X)` for `time <= X - 1 s` and `time > toDateTime(X)` for `time >= X + 1 s`. A number, now() and
toStartOfHour(now()) are the same; text, dates, DateTime64 of any precision and tuples are right. No setting helps.
"""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.erasure.scope import Scope
from stream_jobs.erasure.statements import noted
from stream_jobs.rollups.bundle import Bundle, Slice
from stream_jobs.rollups.cascade import DAY_SECONDS, DuePeriod, derive_latency
from tests.warehouse.engine import Engine
from warehouse.literals import second
from warehouse.queries.reconcile.part import Part

ROOT = Path(__file__).parents[2]
START = datetime(2026, 11, 21, 2, 14, 50, tzinfo=UTC)
FROM = int(START.timestamp())
SECONDS = range(FROM, FROM + 20)
TABLE = "boundary"
IN_ORDER = "ENGINE = MergeTree ORDER BY (organization, time) SETTINGS index_granularity = 2"
TENTHS = f"fromUnixTimestamp64Milli(toInt64({FROM * 1000} + number * 100), 'UTC')"


@pytest.fixture(scope="module")
def tenths(engine: Engine) -> Iterator[Client]:
    """Ten events a second for twenty seconds, two in a granule."""
    with engine.database() as (client, _):
        client.command(
            f"CREATE TABLE {TABLE} {IN_ORDER} AS SELECT 'acme' AS organization, {TENTHS} AS time, toDate(time) AS day, "
            "toUInt16(3) AS src_partition, number AS id FROM numbers(200)"
        )
        yield client


def read(client: Client, condition: str) -> int:
    """Events for which it holds, read with the index."""
    return int(client.query(f"SELECT count() FROM {TABLE} WHERE {condition}").result_rows[0][0])


def looked_at(client: Client, condition: str) -> int:
    """The same, every row looked at."""
    return int(client.query(f"SELECT countIf({condition}) FROM {TABLE}").result_rows[0][0])


@pytest.mark.integration
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "=", "!="])
def test_a_second_bounds_exactly(tenths: Client, operator: str) -> None:
    for moment in SECONDS:
        condition = f"organization = 'acme' AND time {operator} {second(moment)}"
        assert read(tenths, condition) == looked_at(tenths, condition), condition


@pytest.mark.integration
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "=", "!="])
def test_a_second_bounds_buckets_exactly_and_by_the_index(engine: Engine, operator: str) -> None:
    """Buckets are DateTimes."""
    with engine.database() as (client, _):
        client.command(
            f"CREATE TABLE {TABLE} {IN_ORDER} AS SELECT 'acme' AS organization, "
            f"toDateTime({FROM} + intDiv(number, 5), 'UTC') AS time FROM numbers(100)"
        )
        for moment in SECONDS:
            condition = f"organization = 'acme' AND time {operator} {second(moment)}"
            assert read(client, condition) == looked_at(client, condition), condition
        near = f"organization = 'acme' AND time >= {second(FROM + 3)} AND time < {second(FROM + 5)}"
        plan = str(
            client.command(f"EXPLAIN indexes = 1 SELECT sum(src) FROM (SELECT 1 AS src FROM {TABLE} WHERE {near})")
        )
        assert re.search(r"Granules: [1-7]/50", plan), plan
        client.command(f"DROP TABLE {TABLE}")


@pytest.mark.integration
@pytest.mark.parametrize("operator", ["<", ">"])
def test_the_engine_loses_events_of_a_datetimes_second(tenths: Client, operator: str) -> None:
    """Why there is a rule: should this fail one day, the engine is mended."""
    conditions = [f"organization = 'acme' AND time {operator} toDateTime({moment}, 'UTC')" for moment in SECONDS]
    assert any(read(tenths, each) < looked_at(tenths, each) for each in conditions)


@pytest.mark.integration
def test_a_days_part_is_read_to_its_last_moment(tenths: Client) -> None:
    midnight = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp())
    day = Slice("acme", date(2026, 11, 21), date(2026, 11, 16), midnight, midnight + 86_400)
    for moment in SECONDS:
        condition = Bundle(3, (day,), 7).of_days("time", FROM, moment)
        assert read(tenths, condition) == 10 * (moment - FROM), condition


@pytest.mark.integration
def test_noted_events_of_an_erasure_are_read_to_the_last_moment(tenths: Client) -> None:
    for moment in SECONDS:
        [bounds] = re.findall(r"time >= .*", noted(Scope("0", "acme", 0, 0, whole=True), FROM, moment))
        assert read(tenths, f"organization = 'acme' AND {bounds}") == 10 * (moment - FROM), bounds


@pytest.mark.integration
def test_a_reconciled_part_is_read_to_its_last_moment(tenths: Client) -> None:
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    part = Part(midnight.date(), midnight.date(), organization="acme")
    for moment in SECONDS:
        statement = f"SELECT count() FROM {TABLE} WHERE {part.where('time', [])}"
        values = {**part.parameters, "since": FROM, "until": moment}
        assert tenths.query(statement, parameters=values).result_rows == [(10 * (moment - FROM),)]


@pytest.mark.integration
def test_response_times_of_a_day_are_read_to_its_last_moment(tenths: Client) -> None:
    for moment in SECONDS:
        due = DuePeriod(3, "acme", date(2026, 11, 21), FROM, moment - DAY_SECONDS, applied_offset=7)
        [bounds] = re.findall(r"time >= .*? AND time < \w+\([^()]*\)", derive_latency("hour", [due]))
        assert read(tenths, f"organization = 'acme' AND {bounds}") == 10 * (moment - FROM), bounds


INSTANTS = (
    *(
        "time",
        "append_time",
        "applied_time",
        "asked",
        "changed",
        "closed",
        "counted",
        "created",
        "due",
        "effective_from",
    ),
    *("finished", "given", "imported", "published", "replayed", "restored", "started", "written"),
)
"""Columns that are DateTime64 in some table."""
COLUMN = rf"(?:\b(?:\w+\.)?(?:{'|'.join(INSTANTS)})\b|\{{instant\}})"
EXACT = r"(?:toDateTime64\(|now64\(|fromUnixTimestamp64\w+\(|'|\{second\(|\{instant\(|\{\w+: ?DateTime64)"
COMPARED = re.compile(
    rf"{COLUMN}\s*[<>]=?\s*(?!{EXACT}|[=\s])\S+"
    rf"|(?:[)}}]|\b\d+)\s*[<>]=?\s*{COLUMN}"
    rf"|{COLUMN}\s+BETWEEN\s+(?!{EXACT}|\s)\S+"
)
KNOWN = {
    "warehouse/organizations.py": "effective_from of organizations is a DateTime",
    "warehouse/queries/organizations.py": "the same, and {at} and {now} are DateTime64",
    "warehouse/views/30_model_prices.sql": "effective_from of prices is a DateTime",
}


def statements(path: Path) -> Iterator[str]:
    """Texts that may be SQL: all of a file that is no Python, else what stands between quotes and documents nothing."""
    if path.suffix != ".py":
        yield path.read_text()
        return
    tree = ast.parse(path.read_text())
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else ast.unparse(part) for part in node.values)
            yield "".join(map(str, parts)).replace("f'{", "{").replace("}'", "}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def test_no_statement_compares_an_instant_with_anything_but_a_datetime64() -> None:
    folders = (
        "api",
        "dashboards",
        "deploy",
        "producers",
        "stream_jobs",
        "warehouse",
        "tests/benchmarks",
        "tests/chaos",
    )
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))]
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in paths
        if path.suffix in {".py", ".sql", ".yaml"}
        for text in statements(path)
        for match in COMPARED.finditer(text)
    }
    assert found.keys() == KNOWN.keys(), found


@pytest.mark.parametrize(
    "bad",
    [
        *("time < toDateTime(1, 'UTC')", "time > now() - 5", "{instant} >= toDateTime({x})", "time <\n  toDateTime(1)"),
        *("raw.time < {until:DateTime}", "time > {since:Int64}", "time < {until}", "time < 5", "time < (now() - 5)"),
        *("created < (SELECT max(bucket) FROM rollup)", "due > date_trunc('hour', now())", "now() > time", "5 < time"),
        *("{until} > time", "toDateTime(1) >= append_time", "time BETWEEN now() - 5 AND now()", "time < CAST(1 AS T)"),
    ],
)
def test_the_search_finds_them(bad: str) -> None:
    assert COMPARED.search(bad)


@pytest.mark.parametrize(
    "good",
    ["time < '2026-03-28'", "time >= now64(3) - 5", "time < {second(until)}", "asked < {at:DateTime64(3, 'UTC')}"],
)
def test_the_search_leaves_the_others_alone(good: str) -> None:
    assert not COMPARED.search(good)
