"""The text of the breakdown's statements, and what may be combined."""

import re
from decimal import Decimal

import pytest

from warehouse.queries.breakdown import Breakdown, Order, Part
from warehouse.queries.selection import Selection, UnknownDimension

OPENAI = Selection("acme", equals=(("provider", "openai"),))


def test_a_dimension_of_the_wide_family() -> None:
    assert Breakdown("user_id", OPENAI, Order.REQUESTS, limit=10, skip=20).sql == (
        "SELECT value, sum_requests, sum_errors, sum_total_input_tokens, sum_total_output_tokens, sum_cost_usd, "
        "sum_billed_usd, sum_credits, top_model, is_whole, value_count\n"
        "FROM\n"
        "(\n"
        "    SELECT\n"
        "        *,\n"
        "        row_number() OVER (PARTITION BY is_whole ORDER BY sum_requests DESC, value ASC) AS position,\n"
        "        countIf(is_whole = 0) OVER () AS value_count\n"
        "    FROM\n"
        "    (\n"
        "        SELECT\n"
        "            value,\n"
        "            grouping(value) AS is_whole,\n"
        "            sum(requests) AS sum_requests, sum(errors) AS sum_errors, "
        "sum(total_input_tokens) AS sum_total_input_tokens, sum(total_output_tokens) AS sum_total_output_tokens, "
        "sum(cost_usd) AS sum_cost_usd, sum(billed_usd) AS sum_billed_usd, sum(credits) AS sum_credits,\n"
        "            sumMapIf([used_model], [requests], used_model != '') AS models,\n"
        "            arraySort((name, used) -> (-used, name), models.1, models.2)[1] AS top_model\n"
        "        FROM (SELECT toString(user_id) AS value, toString(model) AS used_model, requests, errors, "
        "total_input_tokens, total_output_tokens, cost_usd, billed_usd, credits FROM usage_daily "
        "WHERE organization = {organization:String} AND provider = {provider:String})\n"
        "        GROUP BY GROUPING SETS ((value), ())\n"
        "        HAVING is_whole = 1 OR sum_requests != 0\n"
        "    )\n"
        ")\n"
        "WHERE is_whole = 1 OR (position > {skip:UInt64} AND position <= {skip:UInt64} + {limit:UInt64})\n"
        "ORDER BY is_whole DESC, position"
    )


def test_a_narrow_family_adds_what_it_does_not_hold_under_the_empty_value() -> None:
    source = re.search(r"FROM \((SELECT prompt_id.*)\)\n", Breakdown("prompt_id", OPENAI).sql)
    where = "WHERE organization = {organization:String} AND provider = {provider:String}"
    sums = "requests, errors, total_input_tokens, total_output_tokens, cost_usd, billed_usd, credits"
    negative = ", ".join(f"-{name}" for name in sums.split(", "))
    assert source is not None
    assert source[1] == (
        f"SELECT prompt_id AS value, toString(model) AS used_model, {sums} FROM usage_by_prompt {where} "
        f"UNION ALL SELECT '', toString(model), {sums} FROM usage_daily {where} "
        f"UNION ALL SELECT '', toString(model), {negative} FROM usage_by_prompt {where}"
    )


def test_tokens_are_ordered_by_their_sum() -> None:
    text = Breakdown("model", Selection(), Order.TOKENS).sql
    assert "ORDER BY sum_total_input_tokens + sum_total_output_tokens DESC, value ASC" in text


def test_parameters_carry_the_page() -> None:
    assert Breakdown("model", OPENAI, limit=5, skip=10).parameters == {
        "organization": "acme",
        "provider": "openai",
        "limit": 5,
        "skip": 10,
    }


def test_the_first_row_is_the_whole() -> None:
    money = Decimal(1), Decimal(2), Decimal(3)
    found = Breakdown("model", Selection()).read(
        [("", 5, 1, 10, 20, *money, "opus", 1, 2), ("opus", 4, 1, 9, 19, *money, "opus", 0, 2)]
    )
    assert found.whole == Part("", 5, 1, 10, 20, *money, "opus")
    assert found.page == [Part("opus", 4, 1, 9, 19, *money, "opus")]
    assert (found.values, found.whole.total_tokens) == (2, 30)


@pytest.mark.parametrize(
    ("dimension", "filtered", "message"),
    [
        ("price", "model", "'price' is no dimension; choose from organization, customer_id"),
        ("prompt_id", "user_id", "prompt_id can be selected by provider, model, not by user_id"),
        ("thread_id", "model", "thread_id can be selected by no other dimension, not by model"),
    ],
)
def test_refused(dimension: str, filtered: str, message: str) -> None:
    with pytest.raises(UnknownDimension, match=message):
        Breakdown(dimension, Selection(equals=((filtered, "x"),)))
