"""The text of the overview's statements."""

from datetime import date
from decimal import Decimal

from warehouse.queries.overview import OverviewTotals, PromptCount


def test_totals_are_one_pass_over_the_days() -> None:
    question = OverviewTotals("acme", date(2026, 3, 1))
    assert question.sql == (
        "SELECT\n"
        "    sum(requests), sum(cost_usd), sum(total_tokens),\n"
        "    sumIf(cost_usd, month = {month:Date}), sumIf(total_tokens, month = {month:Date}),\n"
        "    sum(duration_ms), sum(timed_requests),\n"
        "    sumMapIf([toString(model)], [requests], model != '') AS models,\n"
        "    arraySort((name, used) -> (-used, name), models.1, models.2)[1],\n"
        "    arrayReverseSort(models.2)[1]\n"
        "FROM usage_daily WHERE organization = {organization:String}"
    )
    assert question.parameters == {"organization": "acme", "month": "2026-03-01"}


def test_the_average_counts_only_requests_with_a_duration() -> None:
    question = OverviewTotals(None, date(2026, 3, 1))
    row = [5, Decimal(1), 9, Decimal(1), 9, 3000, 2, (["opus"], [4]), "opus", 4]
    assert question.read([row]).average_duration_ms == 1500
    row[6] = 0
    assert question.read([row]).average_duration_ms is None


def test_prompts_of_different_organizations_are_different() -> None:
    assert PromptCount(None).sql == (
        "SELECT uniqExact((name, prompt))\nFROM\n(\n"
        "    SELECT toString(organization) AS name, prompt_id AS prompt FROM usage_by_prompt WHERE requests > 0\n"
        "    UNION ALL\n"
        "    SELECT organization, id FROM directory WHERE kind = 'prompt' AND state = 'active'\n)"
    )
    assert PromptCount("acme").sql.count(" AND organization = {organization:String}") == 2
    assert PromptCount("acme").parameters == {"organization": "acme"}
