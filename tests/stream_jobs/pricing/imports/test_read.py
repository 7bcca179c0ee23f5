"""Any file: its format is told by its content, and what is no price list is refused with the cure."""

from typing import Any

import pytest

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import FORMATS, read_price_list


@pytest.mark.parametrize(
    ("name", "fmt"),
    [
        ("genai_prices.json", "genai-prices"),
        ("llms_per_million.json", "llms"),
        ("llms_per_token.json", "llms"),
        ("litellm.json", "litellm"),
        ("models_dev.json", "models.dev"),
    ],
)
def test_the_content_tells_the_format(read_file: Any, name: str, fmt: str) -> None:
    told, detected = read_file(name, fmt), read_file(name)
    assert told == detected
    assert f"Read as {FORMATS[fmt]}" in detected.notes


def test_another_format_than_the_content(refusals: Any) -> None:
    text = '{"openai": {"models": {"gpt-4o": {"cost": {"input": 2.5}}}}}'
    assert refusals(text, "litellm") == (
        "prices: it looks like models.dev, not like litellm; ask for models.dev, or for no format",
    )
    assert refusals(text, "xml")[0].startswith("there is no format 'xml'; formats are csv, genai-prices")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"openai": 1}', "prices: its JSON is no known price list; formats are csv"),
        ("[1, 2]", "prices: its JSON is no known price list"),
        ('{"a": {"models": {}}\n,,}', "prices: line 2, column 2: "),
        ('{"a": {"models": {"m": {}, "m": {}}}}', "prices: the key 'm' occurs twice in one object; keep one of them"),
        ("[" * 200_000, "prices: objects lie in one another too deeply"),
    ],
)
def test_json_that_is_no_price_list(refusals: Any, text: str, problem: str) -> None:
    (found,) = refusals(text)
    assert found.startswith(problem)


def test_wrong_prices_of_a_public_list_can_be_left_out(refusals: Any) -> None:
    text = """{"jais": {"litellm_provider": "azure_ai", "input_cost_per_token": 0.0032},
        "small": {"litellm_provider": "azure_ai", "input_cost_per_token": 1e-06}}"""
    (problem,) = refusals(text)
    assert problem.startswith("['jais']: input_mtok of 3200 USD is above 2000")
    found = read_price_list(text.encode(), "prices.json", without=["azure/jais"])
    assert [(row.provider, row.model) for row in found.rows] == [("azure", "small")]
    assert "Left out: models that were asked to be (['jais'])" in found.notes


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(PriceListRefused, match="byte 3 is no UTF-8; save the file as UTF-8"):
        read_price_list(b"abc\xff", "prices.csv")


def test_a_byte_order_mark_is_no_column() -> None:
    text = "\ufeffprovider,model,unit,price_usd\nacme,a,input_mtok,1\n"
    assert len(read_price_list(text.encode(), "prices.csv").rows) == 1


def test_every_kind_of_line_end() -> None:
    text = "provider,model,unit,price_usd\nacme,a,input_mtok,1\nacme,b,input_mtok,2\n"
    found = [read_price_list(text.replace("\n", end).encode(), "prices.csv").rows for end in ("\n", "\r\n", "\r")]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 2


def test_a_file_of_nothing_but_problems_names_the_first_hundred(refusals: Any) -> None:
    lines = "".join(f"acme,m{number},input_mtok,-1\n" for number in range(250))
    problems = refusals(f"provider,model,unit,price_usd\n{lines}")
    assert len(problems) == 101
    assert problems[-1] == "… and 150 more problems"


@pytest.mark.parametrize("broken", ["\\u0000", "\\ud800"])
def test_a_name_with_what_no_event_can_hold_is_refused_in_words(refusals: Any, broken: str) -> None:
    """Also where the format writes the name into its places: a refusal can be printed."""
    model = f'{{"id": "gpt-{broken}", "match": {{"equals": "g"}}, "prices": {{"input_mtok": 1, "output_mtok": 2}}}}'
    catalogue = f'[{{"id": "openai", "name": "OpenAI", "api_pattern": "x", "models": [{model}]}}]'
    mapped = f'{{"gpt-{broken}": {{"litellm_provider": "openai", "input_cost_per_token": 2e-6}}}}'
    for text in (catalogue, mapped):
        for problem in refusals(text):
            assert problem.encode()
            assert "has a control character or half of a character; take it out" in problem
