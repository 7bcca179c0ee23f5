"""One price in the spelling of every list: per token or per million, in any notation, it is stored exactly."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.pricing.exact_number import shifted
from stream_jobs.pricing.imports import read_price_list

PRICES = st.decimals("0.001", "999", places=18)
"""USD per million tokens: with all 18 places; from 1,000 on llms.json could not tell its two units apart."""


def _litellm(price: str) -> str:
    return f'{{"m": {{"litellm_provider": "acme", "input_cost_per_token": {price}}}}}'


def _llms(price: str) -> str:
    return f'{{"providers": {{"acme": {{"pricing": {{"m": {{"input": "{price}"}}}}}}}}}}'


def _models_dev(price: str) -> str:
    return f'{{"acme": {{"models": {{"m": {{"cost": {{"input": {price}}}}}}}}}}}'


def _genai_prices(price: str) -> str:
    model = f'{{"id": "m", "match": {{"equals": "m"}}, "prices": {{"input_mtok": {price}}}}}'
    return f'[{{"id": "acme", "name": "Acme", "api_pattern": "x", "models": [{model}]}}]'


def _csv(price: str) -> str:
    return f"provider,model,unit,price_usd\nacme,m,input_mtok,{price}\n"


@pytest.mark.parametrize(
    ("written", "places"),
    [(_litellm, -6), (_llms, -6), (_llms, 0), (_models_dev, 0), (_genai_prices, 0), (_csv, 0)],
)
@given(PRICES)
def test_a_price_is_stored_as_it_is_meant(written: Callable[[str], str], places: int, price: Decimal) -> None:
    said = shifted(price, places)
    for spelling in (format(said, "f"), format(said, "E")):
        rows = read_price_list(written(spelling).encode(), "prices").rows
        assert [row.price_usd for row in rows if row.model] == [price]
