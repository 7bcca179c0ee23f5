"""Prices in another currency than USD are refused wherever a JSON list says so, in any letter case."""

from typing import Any

import pytest

from stream_jobs.pricing.imports import read_price_list

GENAI = (
    '[{"id": "x", "name": "x", "api_pattern": "x", %(provider)s "models": [{"id": "m", %(model)s'
    ' "match": {"equals": "m"}, "prices": %(prices)s}]}]'
)
TIERED = '{"input_mtok": {"base": 2.5, "tiers": [{"start": 9, "price": 5, "currency": "EUR"}]}}'
DATED = '[{"prices": {"input_mtok": 2.5, "currency": "EUR"}}]'
PLACES = [
    (GENAI % {"provider": "", "model": "", "prices": '{"input_mtok": 2.5, "currency": "EUR"}'}, "[0].models[0].prices"),
    (GENAI % {"provider": "", "model": "", "prices": TIERED}, "[0].models[0].prices.input_mtok.tiers[0]"),
    (GENAI % {"provider": "", "model": "", "prices": DATED}, "[0].models[0].prices[0].prices"),
    (GENAI % {"provider": "", "model": '"currency": "EUR",', "prices": '{"input_mtok": 2.5}'}, "[0].models[0]"),
    (GENAI % {"provider": '"currency": "EUR",', "model": "", "prices": '{"input_mtok": 2.5}'}, "[0]"),
    ('{"x": {"models": {"m": {"cost": {"input": 2.5, "currency": "EUR"}}}}}', "x.models['m'].cost"),
    (
        '{"x": {"models": {"m": {"cost": {"input": 2.5, "context_over_200k": {"input": 3, "currency": "EUR"}}}}}}',
        "x.models['m'].cost.context_over_200k",
    ),
    ('{"x": {"models": {"m": {"currency": "EUR", "cost": {"input": 2.5}}}}}', "x.models['m']"),
    ('{"x": {"models": {"currency": "EUR", "m": {"cost": {"input": 2.5}}}}}', "x.models"),
    ('{"x": {"currency": "EUR", "models": {"m": {"cost": {"input": 2.5}}}}}', "x"),
    ('{"currency": "EUR", "x": {"models": {"m": {"cost": {"input": 2.5}}}}}', ""),
    ('{"providers": {"x": {"pricing": {"m": {"input": 1, "currency": "EUR"}}}}}', "providers.x.pricing['m']"),
    ('{"providers": {"x": {"pricing": {"currency": "EUR", "m": {"input": 1}}}}}', "providers.x.pricing"),
    (
        '{"providers": {"x": {"pricing": {}, "default_pricing": {"input": 1, "currency": "EUR"}}}}',
        "providers.x.default_pricing",
    ),
    ('{"providers": {"x": {"currency": "EUR", "pricing": {"m": {"input": 1}}}}}', "providers.x"),
    ('{"currency": "EUR", "providers": {"x": {"pricing": {"m": {"input": 1}}}}}', ""),
    ('{"m": {"litellm_provider": "x", "currency": "EUR", "input_cost_per_token": 1e-6}}', "['m']"),
    ('{"currency": "EUR", "m": {"litellm_provider": "x", "input_cost_per_token": 1e-6}}', ""),
]


@pytest.mark.parametrize(("text", "place"), PLACES)
def test_another_currency_is_refused_with_its_place(refusals: Any, text: str, place: str) -> None:
    where = f"{place}.currency".removeprefix(".")
    assert refusals(text) == (f"{where}: 'EUR'; convert the prices to USD first",)


@pytest.mark.parametrize(("text", "_place"), PLACES)
@pytest.mark.parametrize("said", ['"usd"', '" USD "', "null"])
def test_usd_is_taken_in_any_case(text: str, _place: str, said: str) -> None:
    found = read_price_list(text.replace('"EUR"', said).encode(), "prices")
    assert found.rows
    assert not any("currency" in note for note in found.notes)


def test_a_model_may_be_called_currency() -> None:
    found = read_price_list(b'{"x": {"models": {"currency": {"cost": {"input": 2.5}}}}}', "prices")
    assert [row.model for row in found.rows] == ["currency"]
