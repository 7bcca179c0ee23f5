"""How many rows an erasure removed from which table: statements about `erased_rows`."""

from typing import Final

from stream_jobs.erasure.scope import Scope
from warehouse.literals import quoted

TEXTS: Final = "texts of "
"""Stands before the name of a table whose rows stay with emptied texts."""


def deletions_done(scope: Scope, name: str) -> str:
    """How many deletions from the table are known to be carried out: one number, that of the next one."""
    return (
        "SELECT toInt64(countIf(is_done)) FROM (SELECT max(done) = 1 AS is_done FROM erased_rows "
        f"WHERE control_id = {scope.id} AND table_name = {quoted(name)} GROUP BY number)"
    )


def noted(scope: Scope, name: str, number: int, rows: int, *, done: bool) -> str:
    """Notes what a deletion found, before and after it."""
    return (
        "INSERT INTO erased_rows (control_id, table_name, number, rows, done) "
        f"SELECT {scope.id}, {quoted(name)}, {number}, {rows}, {int(done)}"
    )


def all_done(scope: Scope) -> str:
    """Closes what a process that died between a deletion and its note left open."""
    return (
        "INSERT INTO erased_rows (control_id, table_name, number, rows, done) "
        f"SELECT control_id, table_name, number, 0, 1 FROM erased_rows WHERE control_id = {scope.id} "
        "GROUP BY control_id, table_name, number HAVING max(done) = 0"
    )


def counts(scope: Scope) -> str:
    """(table, rows) in the order of the tables' names."""
    return (
        "SELECT name, toInt64(sum(most)) FROM (SELECT toString(table_name) AS name, max(rows) AS most FROM erased_rows "
        f"WHERE control_id = {scope.id} GROUP BY table_name, number) GROUP BY name ORDER BY name"
    )
