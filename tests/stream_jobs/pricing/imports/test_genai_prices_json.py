"""genai-prices' data.json: a newer catalogue gives rows as the bundled one does."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data import providers
from genai_prices.types import ClauseAnd, ClauseOr, ModelPrice

from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.price_row import ALWAYS, FREE, NO_RATES


def test_the_bundled_catalogue_written_as_data_json_comes_back_exactly() -> None:
    written = re.sub(r'"<number ([^>]*)>"', r"\1", json.dumps([_plain(provider) for provider in providers]))
    found = read_price_list(written.encode(), "data.json")
    assert found.source == "genai-prices data.json"
    assert list(found.rows) == [replace(row, source=found.source) for row in catalogue_rows()]


def test_dates_tiers_windows_rules_and_marks(read_file: Any, prices: Any) -> None:
    rows = read_file("genai_prices.json").rows
    assert [(row.unit, row.effective_from, row.daily_from, row.tier_start) for row in rows if row.model == "gpt-9"] == [
        ("input_mtok", ALWAYS, "", 0),
        ("output_mtok", ALWAYS, "", 0),
        ("output_mtok", ALWAYS, "", 272_000),
        ("input_mtok", datetime(2027, 2, 1, tzinfo=UTC), "", 0),
        ("output_mtok", datetime(2027, 2, 1, tzinfo=UTC), "", 0),
        ("input_mtok", ALWAYS, "00:30:00", 0),
        ("output_mtok", ALWAYS, "00:30:00", 0),
    ]
    assert [row.price_usd for row in rows if row.model == "gpt-9" and row.unit == "input_mtok"] == [
        Decimal("2.5"),
        Decimal("2.000000000000000001"),
        Decimal("0.3"),
    ]
    assert {row.unit for row in rows if row.model == "omni-moderation"} == {FREE}
    assert [(row.provider, row.unit) for row in rows if not row.model] == [("openai", NO_RATES), ("azure", NO_RATES)]
    rules = json.loads(next(row.match for row in rows if row.provider == "azure"))
    assert rules["fallback"] == ["openai"]


def test_a_unit_of_a_newer_release_is_left_out_and_said(read_file: Any, prices: Any) -> None:
    found = read_file("genai_prices.json")
    assert prices(row for row in found.rows if row.model == "hologram-1") == {"input_mtok": "1"}
    assert any("'hologram_minutes'" in note for note in found.notes)


def test_all_problems_with_their_paths(refusals: Any) -> None:
    models = """
        {"id": "a", "match": {"equals": "a"}, "prices": {"input_mtok": true}},
        {"id": "b", "match": {"equals": "b"},
         "prices": {"input_mtok": {"base": 1, "tiers": [{"start": 5, "price": "x"}]}}},
        {"id": "c", "match": {"equals": "c"}, "prices": [{"prices": {"output_mtok": []}}]}"""
    assert refusals(f'[{{"id": "o", "name": "O", "api_pattern": "x", "models": [{models}]}}]') == (
        "[0].models[0] (a).prices.input_mtok: True is no price; write a number such as 2.5 or 1.25e-06",
        "[0].models[1] (b).prices.input_mtok.tiers[0].price: 'x' is no price; write a number such as 2.5 or 1.25e-06",
        "[0].models[2] (c).prices[0].prices.output_mtok: [] is no price; write a number such as 2.5 or 1.25e-06",
    )


def test_what_the_package_itself_refuses_has_its_path(refusals: Any) -> None:
    (problem,) = refusals('[{"name": "O", "api_pattern": "x", "models": []}]')
    assert problem.startswith("[0].id: Field required")
    (rule,) = refusals(
        '[{"id": "o", "name": "O", "api_pattern": "x", "models":'
        ' [{"id": "a", "match": {"regex": "("}, "prices": {"input_mtok": -1}}]}]'
    )[:1]
    assert "regex" in rule


@pytest.mark.parametrize("rule", ['"gpt-x"', "{}", "null", "[]", '{"or": [{"and": ["x"]}]}', '{"regex": "("}'])
def test_what_is_no_rule_is_refused_at_its_place(refusals: Any, rule: str) -> None:
    model = f'{{"id": "gpt-x", "match": {rule}, "prices": {{"input_mtok": 1, "output_mtok": 2}}}}'
    (found,) = refusals(f'[{{"id": "openai", "name": "OpenAI", "api_pattern": "x", "models": [{model}]}}]')
    assert found.startswith("[0].models[0] (gpt-x).match: matching rule ")


@pytest.mark.parametrize("of", ["provider_match", "model_match"])
def test_a_provider_may_have_no_rule_but_no_wrong_one(refusals: Any, of: str) -> None:
    model = '{"id": "gpt-x", "match": {"equals": "gpt-x"}, "prices": {"input_mtok": 1, "output_mtok": 2}}'
    text = f'[{{"id": "openai", "name": "OpenAI", "api_pattern": "x", "models": [{model}], "{of}": RULE}}]'
    (found,) = refusals(text.replace("RULE", '{"and": [{"equals": "x"}, "y"]}'))
    assert found.startswith(f"[0] (openai).{of}: matching rule 'y' is not one of equals, starts_with")
    assert read_price_list(text.replace("RULE", "null").encode(), "data.json").rows


def _plain(value: Any) -> Any:
    """The package's dataclasses as its data.json writes them; exact numbers as texts to be unquoted."""
    if isinstance(value, ModelPrice):
        return {key: _plain(price) for key, price in vars(value).items() if price is not None}
    if isinstance(value, ClauseOr):
        return {"or": [_plain(part) for part in value.or_]}
    if isinstance(value, ClauseAnd):
        return {"and": [_plain(part) for part in value.and_]}
    if is_dataclass(value):
        said = {field.name: getattr(value, field.name) for field in fields(value) if not field.name.startswith("_")}
        return {name: _plain(part) for name, part in said.items() if part is not None and name != "extractors"}
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, Decimal):
        return f"<number {value:f}>"
    return value.isoformat() if isinstance(value, date | time) else value
