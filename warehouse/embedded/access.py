"""What a read-only user may do: a statement's syntax tree and the client's settings in, refusals and limits out.

Some may insert into tables that their entry names: only by the plain form `INSERT INTO [database.]table [(columns)]`
with the rows behind it.

The engine enforces the rest by `readonly = 1`, set last. This module closes what that leaves open: table functions
that reach around row filters or out of the process, system tables that tell of other organizations' rows, and
settings that a client must not choose.
"""

import re
from collections.abc import Iterable, Mapping

from warehouse.embedded.errors import ClickHouseError, Fault, refused
from warehouse.embedded.users import User
from warehouse.literals import quoted

ALLOWED_TABLE_FUNCTIONS = frozenset(
    {"format", "generate_series", "generateseries", "null", "numbers", "numbers_mt", "primes", "values", "view"}
    | {"sqlstandardvalues", "zeros", "zeros_mt"}
)
# What clients ask for when they connect or list what there is; all others are closed to users with row filters.
OPEN_SYSTEM_TABLES = frozenset(
    {"aggregate_function_combinators", "build_options", "codecs", "collations", "columns", "completions"}
    | {"constraints", "contributors", "current_roles", "data_skipping_index_types", "data_type_families"}
    | {"database_engines", "databases", "disk_types", "documentation", "enabled_roles", "formats", "functions"}
    | {"keywords", "licenses", "numbers", "numbers_mt", "one", "primes", "privileges", "settings", "settings_changes"}
    | {"table_engines", "table_functions", "tables", "time_zones", "tokenizers", "zeros", "zeros_mt"}
)
READER_LIMITS = {
    "max_execution_time": "60",
    "max_result_rows": "1000000",
    "result_overflow_mode": "throw",
    "max_memory_usage": "2000000000",
    "os_threads_nice_value_query": "15",
}
"""Whoever only reads gets the processors that writing and merging leave (a nice value; without effect when the engine
may not set it, as for a user who is not root)."""
_OPEN_SETTINGS = re.compile(
    r"(?:in|out)put_format_\w+|format_(?!schema)\w+|date_time_\w+|bool_(?:true|false)_representation"
    r"|cast_(?:keep_nullable|ipv4_ipv6_default_on_conversion_error|string_to_\w+)|session_timezone|join_use_nulls"
    r"|max_threads|max_block_size|final|group_by_use_nulls|union_default_mode|extremes|limit|offset"
    r"|prefer_column_name_to_alias|transform_null_in|aggregate_functions_null_for_empty"
    r"|use_client_time_zone|allow_experimental_\w+_type|enable_\w+_type|log_comment"
)
_LOWERABLE = frozenset({"max_execution_time", "max_result_rows", "max_memory_usage", "max_result_bytes"})
INSERT_SETTINGS = {"async_insert": "0"}
"""An INSERT is acknowledged when its rows are stored, whoever sends it."""
INSERT_FORMATS = frozenset({"Native", "ArrowStream", "JSONEachRow"})
"""Plain data: Values would compute expressions, which may read files."""
FILTERS_SETTING = "additional_table_filters"

_FUNCTION = re.compile(r"^ *Function (\S+)", re.MULTILINE)
_TABLE = re.compile(r"^ *TableIdentifier system\.(\S+)", re.MULTILINE | re.IGNORECASE)
_NAMED_TABLE = re.compile(r"^ *(?:Exists|ShowCreate|Check)\w*Query system (\S+)", re.MULTILINE | re.IGNORECASE)
_ESTIMATE = re.compile(r"^ *Explain EXPLAIN ESTIMATE", re.MULTILINE)
_NAME = r"(?:`([A-Za-z_]\w*)`|([A-Za-z_]\w*))"
_PLAIN_INSERT = re.compile(
    rf"\s*INSERT\s+INTO\s+(?:TABLE\s+)?(?:{_NAME}\s*\.\s*)?{_NAME}\s*(?:\(\s*[\w`,\s]*\))?\s*", re.ASCII | re.IGNORECASE
)
_STORED_LOOKUPS = ("dictget", "dicthas", "dictisin", "joinget")


def check_tree(tree: str, user: User, table_functions: Iterable[str]) -> None:
    """Refuses (497) a statement by its `EXPLAIN AST`, where names stand as the engine itself has read them."""
    denied = {name.lower() for name in table_functions} - ALLOWED_TABLE_FUNCTIONS
    for name in _FUNCTION.findall(tree):
        if name.lower() in denied:
            raise _denied(user, f"use the table function {name}")
        if user.filters and name.lower().startswith(_STORED_LOOKUPS):
            raise _denied(user, f"use {name}, which row filters do not reach")
    if not user.filters:
        return
    for table in (*_TABLE.findall(tree), *_NAMED_TABLE.findall(tree)):
        if table.lower() not in OPEN_SYSTEM_TABLES:
            raise _denied(user, f"read system.{table}, which tells of rows outside its filters")
    if _ESTIMATE.search(tree):
        raise _denied(user, "use EXPLAIN ESTIMATE, which counts rows outside its filters")


def check_insert(head: bytes, data_format: str, user: User, database: str) -> None:
    """Lets an INSERT's text without its rows pass when it is plain and its table one of the user's. Raises 497."""
    found = _PLAIN_INSERT.fullmatch(head.decode("utf-8", "replace"))
    if found is None or data_format not in INSERT_FORMATS:
        formats = ", ".join(sorted(INSERT_FORMATS))
        raise _denied(user, f"insert other than by INSERT INTO table (columns) FORMAT with rows in {formats}")
    table = f"{found[1] or found[2] or database}.{found[3] or found[4]}"
    if table not in user.inserts:
        raise _denied(user, f"insert into {table}, only into {', '.join(user.inserts)}")


def reader_settings(user: User, asked: Mapping[str, str], system_tables: Iterable[str]) -> dict[str, str]:
    """The settings of a reader's statement, in the order to apply them; `readonly = 1` is to follow.

    Raises 164 for a setting that a reader may not choose; limits may be lowered, never lifted.
    """
    limits = {**READER_LIMITS, **user.settings}
    chosen = {name: value for name, value in asked.items() if name not in limits or name in _LOWERABLE}
    for name in asked:
        if name not in _LOWERABLE and not _OPEN_SETTINGS.fullmatch(name):
            raise refused(Fault.READONLY, f"Cannot modify '{name}' setting in readonly mode.")
    for name in _LOWERABLE & chosen.keys() & limits.keys():
        limits[name] = _lower(chosen.pop(name), limits[name])
    settings = {**chosen, **limits}
    if user.filters:
        settings[FILTERS_SETTING] = _filters(user, system_tables)
    return settings


def _lower(asked: str, limit: str) -> str:
    try:
        wanted = float(asked)
    except ValueError as failure:
        raise refused(Fault.BAD_ARGUMENTS, f"A limit must be a number, got '{asked}'.") from failure
    unlimited = float(limit) == 0
    return asked if wanted > 0 and (unlimited or wanted < float(limit)) else limit


def _filters(user: User, system_tables: Iterable[str]) -> str:
    conditions = dict(user.filters)
    conditions |= {f"system.{name}": "0" for name in system_tables if name not in OPEN_SYSTEM_TABLES}
    return "{" + ", ".join(f"{quoted(table)}: {quoted(rule)}" for table, rule in conditions.items()) + "}"


def _denied(user: User, what: str) -> ClickHouseError:
    return refused(Fault.ACCESS_DENIED, f"{user.name}: Not enough privileges. A read-only user may not {what}.")
