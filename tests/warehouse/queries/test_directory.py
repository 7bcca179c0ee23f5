"""The text of the directory's statements, and what their rows mean."""

from datetime import UTC, datetime

import pytest

from warehouse.directory.entry import BEGINNING, Key, Kind, Said, State, Statement
from warehouse.families import ROLLUP
from warehouse.queries.breakdown import FAMILY_VIEWS
from warehouse.queries.directory import (
    DIMENSION_KINDS,
    NAMED_DIMENSIONS,
    DirectoryEntries,
    DisplayNames,
    EntryFilter,
    EntryHistory,
    Remark,
    Statements,
)

AT = datetime(2026, 3, 1, tzinfo=UTC)
AT_MS = 1_772_323_200_000
CREATED = datetime(2026, 3, 2, 1, 2, 3, 456_789, tzinfo=UTC)
KEY = Key("acme", Kind.USER, "u1")
COLUMNS = "display_name, department, email, role, plan, state, attributes, created"


def test_entries_at_a_moment() -> None:
    question = DirectoryEntries(EntryFilter("acme", Kind.USER, State.ACTIVE, "ad"), AT, 5, ("acme", "user", "u1"))
    assert question.sql == (
        "SELECT\n"
        "    organization, kind, entity_id,\n"
        "    ifNull(argMax(display_name, effective_from), entity_id) AS now_name,\n"
        "    ifNull(argMax(department, effective_from), ''),\n"
        "    ifNull(argMax(email, effective_from), ''),\n"
        "    ifNull(argMax(role, effective_from), ''),\n"
        "    ifNull(argMax(plan, effective_from), ''),\n"
        "    ifNull(toString(argMax(state, effective_from)), 'active') AS now_state,\n"
        "    arrayFold(\n"
        "        (merged, said) -> mapUpdate(merged, said),\n"
        "        arrayMap(one -> one.2, arraySort(one -> one.1, groupArray((effective_from, attributes)))),\n"
        "        CAST(map(), 'Map(String, String)')\n"
        "    ),\n"
        "    max(effective_from)\n"
        "FROM directory_entries FINAL\n"
        "WHERE effective_from <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC') AND "
        "organization = {organization:String} AND kind = 'user' AND (organization, toString(kind), entity_id) > "
        "({after_organization:String}, {after_kind:String}, {after_id:String})\n"
        "GROUP BY organization, kind, entity_id\n"
        "HAVING now_state = {state:String} AND "
        "positionCaseInsensitiveUTF8(concatWithSeparator('\\n', entity_id, now_name), {search:String}) > 0\n"
        "ORDER BY organization, toString(kind), entity_id LIMIT {limit:UInt64}"
    )
    assert question.parameters == {
        "at_ms": AT_MS,
        "limit": 5,
        "organization": "acme",
        "state": "active",
        "search": "ad",
        "after_organization": "acme",
        "after_kind": "user",
        "after_id": "u1",
    }


def test_every_entry() -> None:
    question = DirectoryEntries(EntryFilter(), AT)
    assert "WHERE effective_from <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')\nGROUP BY" in question.sql
    assert "HAVING" not in question.sql
    assert question.parameters == {"at_ms": AT_MS, "limit": 100}


def test_the_history_of_an_entry() -> None:
    question = EntryHistory(KEY)
    assert question.sql == (
        f"SELECT organization, kind, entity_id, effective_from, {COLUMNS}, author, source\n"
        "FROM directory_entries FINAL\n"
        "WHERE organization = {organization:String} AND kind = 'user' AND entity_id = {id:String}\n"
        "ORDER BY effective_from"
    )
    row = ["acme", "user", "u1", BEGINNING, None, "", None, "owner", None, "archived", {"a": ""}, CREATED]
    assert question.read([[*row, "key 1", "api"]]) == [
        Remark(
            Statement(KEY, BEGINNING, Said(None, "", None, "owner", None, State.ARCHIVED, {"a": ""})), "key 1", "api"
        )
    ]
    assert question.read([[*row, "key 1", "api"]])[0].statement.created == CREATED


def test_a_page_of_statements() -> None:
    question = Statements("acme", Kind.USER, 10, Statement(KEY, AT, Said()))
    assert question.sql == (
        f"SELECT organization, kind, entity_id, effective_from, {COLUMNS}\n"
        "FROM directory_entries FINAL WHERE organization = {organization:String} AND kind = 'user' AND "
        "(organization, toString(kind), entity_id, effective_from) > ({after_organization:String}, "
        "{after_kind:String}, {after_id:String}, fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC'))\n"
        "ORDER BY organization, toString(kind), entity_id, effective_from LIMIT {limit:UInt64}"
    )
    assert question.parameters["after_ms"] == AT_MS


def test_names_of_values() -> None:
    question = DisplayNames("user_id", "acme", ["u1"], AT)
    assert "WHERE kind = 'user' AND entity_id IN {values:Array(String)} AND effective_from <=" in question.sql
    assert question.sql.endswith("GROUP BY entity_id\nHAVING uniqExact(name) = 1")
    assert question.parameters == {"values": ["u1"], "at_ms": AT_MS, "organization": "acme"}
    assert "organization =" not in DisplayNames("user_id", None, ["u1"], AT).sql
    assert "WHERE kind = 'organization'" in DisplayNames("organization", None, ["acme"], AT).sql


@pytest.mark.parametrize("dimension", DIMENSION_KINDS)
def test_named_dimensions_are_dimensions_of_usage(dimension: str) -> None:
    assert dimension in ("organization", *ROLLUP.dimensions, *FAMILY_VIEWS)
    assert dimension in NAMED_DIMENSIONS


def test_every_kind_is_a_dimension() -> None:
    assert set(DIMENSION_KINDS.values()) == set(Kind)
