"""A selection is a WHERE clause whose values are bound by the server and whose names are known ones."""

from datetime import date

import pytest

from warehouse.queries.selection import Selection, UnknownDimension


def test_nothing_selected_is_everything() -> None:
    assert (Selection().where, Selection().parameters) == ("", {})


def test_everything_at_once() -> None:
    selection = Selection("acme", date(2026, 3, 1), date(2026, 3, 14), (("model", "gpt-4o"), ("user_id", "")))
    assert selection.where == (
        "WHERE organization = {organization:String} AND day >= {first_day:Date} AND day <= {last_day:Date} "
        "AND model = {model:String} AND user_id = {user_id:String}"
    )
    assert selection.parameters == {
        "organization": "acme",
        "first_day": "2026-03-01",
        "last_day": "2026-03-14",
        "model": "gpt-4o",
        "user_id": "",
    }


def test_only_known_names_become_part_of_a_statement() -> None:
    with pytest.raises(UnknownDimension, match="'1=1 OR model' is no dimension; choose from customer_id"):
        Selection(equals=(("1=1 OR model", "x"),))
