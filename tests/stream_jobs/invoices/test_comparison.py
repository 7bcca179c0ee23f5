"""An invoice against our figures: names meet by the catalogue's rules, and every grouping has the same whole."""

import json
from datetime import date
from decimal import Decimal

import pytest

from stream_jobs.invoices.comparison import Grouping, compared
from stream_jobs.invoices.model_names import ModelNames, NamesInCatalogue
from warehouse.currency.exchange_rate import ExchangeRate, RatesOf
from warehouse.errors import MissingExchangeRate
from warehouse.queries.invoices import Charged, Recorded

FIRST, SECOND = date(2026, 3, 14), date(2026, 3, 15)
NOTHING = Decimal(0)


def rule(**clause: object) -> str:
    return json.dumps({"model": clause})


NAMES: ModelNames = NamesInCatalogue().read(
    [
        ("openai", "", json.dumps({"provider": {"equals": "openai"}, "model": {"starts_with": "gpt-"}}), 0),
        ("openai", "gpt-4o", rule(starts_with="gpt-4o"), 1),
        ("azure", "", json.dumps({"provider": {"equals": "azure"}, "fallback": ["openai"]}), 2),
        ("azure", "dall-e", rule(equals="dall-e"), 3),
        ("google", "", json.dumps({"provider": {"contains": "google"}, "model": {"starts_with": "gemini-"}}), 4),
        ("openrouter", "", json.dumps({"provider": {"equals": "openrouter"}}), 5),
        ("openrouter", "openai/gpt-4o", rule(equals="openai/gpt-4o"), 6),
    ]
)


def recorded(day: date, provider: str, model: str, cost: str, requests: int = 1, unpriced: int = 0) -> Recorded:
    return Recorded(day, provider, model, "", requests, 100, Decimal(cost), unpriced, 0, 0, 0, NOTHING, NOTHING)


CHARGED = [
    Charged(FIRST, "gpt-4o-2024-08-06", "input", Decimal(2), Decimal(60)),
    Charged(FIRST, "gpt-4o-2024-08-06", "output", Decimal(3), Decimal(40)),
    Charged(FIRST, "", "web search tool calls", Decimal("0.5"), None),
    Charged(SECOND, "gpt-4o", "input", Decimal(1), None),
]
RECORDED = [
    recorded(FIRST, "openai", "gpt-4o", "4"),
    recorded(FIRST, "azure", "gpt-4o", "9"),
    recorded(SECOND, "OpenAI ", "GPT-4o-2024-11-20", "1"),
    recorded(SECOND, "", "gpt-4o", "0.25"),
    recorded(SECOND, "openai", "o9-unheard-of", "0"),
]


def test_lines_by_day_and_model() -> None:
    found = compared("openai", [FIRST, SECOND], CHARGED, RECORDED, NAMES)
    assert [(line.day, line.model, line.invoiced.amount_usd, line.ours.cost_usd) for line in found.lines] == [
        (FIRST, "", Decimal("0.5"), NOTHING),
        (FIRST, "gpt-4o", Decimal(5), Decimal(4)),
        (SECOND, "gpt-4o", Decimal(1), Decimal("1.25")),
        (SECOND, "o9-unheard-of", NOTHING, NOTHING),
    ]
    assert found.lines[1].invoiced.items == ("input", "output")
    assert found.lines[1].explanation.other_price_usd == 1, "the invoice counts just our 100 tokens"
    assert found.lines[2].explanation.rest_usd == Decimal("-0.25")


@pytest.mark.parametrize(
    ("provider", "model", "seller", "name"),
    [
        ("", "gpt-99-turbo", "openai", "gpt-99-turbo"),
        ("", "OpenAI/gpt-99", "openai", "gpt-99"),
        ("openai", "openai/GPT-99", "openai", "gpt-99"),
        ("", "google/models/gemini-99", "google", "gemini-99"),
        ("google", "models/gemini-99", "google", "gemini-99"),
        ("", "openrouter/openai/gpt-99", "openrouter", "openai/gpt-99"),
        ("openrouter", "openai/gpt-99", "openrouter", "openai/gpt-99"),
        ("", "azure/gpt-4o", "azure", "gpt-4o"),
        ("litellm", "gpt-4o", "openai", "gpt-4o"),
        ("litellm", "azure/gpt-99", "azure", "gpt-99"),
        ("somebody", "gpt-4o", "somebody", "gpt-4o"),
        ("", "nova/nine", "", "nova/nine"),
        ("", "", "", ""),
        ("openai", "", "openai", ""),
    ],
)
def test_who_charges_for_a_model_and_what_it_is_called(provider: str, model: str, seller: str, name: str) -> None:
    assert (NAMES.seller(provider, model), NAMES.model(provider, model)) == (seller, name)


@pytest.mark.parametrize(
    ("invoice", "event"),
    [("gemini", "google"), ("Google", "vertex_ai"), ("vertex_ai", "gemini"), ("azure_ai", "azure"), ("x", "X")],
)
def test_a_provider_has_many_names(invoice: str, event: str) -> None:
    charged = [Charged(FIRST, "gemini-2.5-pro", "input", Decimal(5), None)]
    (line,) = compared(invoice, [FIRST], charged, [recorded(FIRST, event, "gemini-2.5-pro", "4")], NAMES).lines
    assert (line.invoiced.amount_usd, line.ours.cost_usd) == (Decimal(5), Decimal(4))


def test_names_of_one_provider_are_alike_and_names_like_one_are_not() -> None:
    """As prices are set: a rule that takes `my-google-gateway` for Google makes no account of Google's of it."""
    stored = ("gemini", "google", "my-google-gateway", "openai", "vertex_ai")
    assert NAMES.alike("vertex_ai-anthropic_models", stored) == ("gemini", "google", "vertex_ai")
    assert (NAMES.provider(" Gemini "), NAMES.provider("My-Google-Gateway")) == ("google", "my-google-gateway")


def test_an_unknown_model_without_a_provider_is_unpriced_and_no_rest() -> None:
    charged = [Charged(FIRST, "gpt-99", "input", Decimal(5), None)]
    usage = [recorded(FIRST, "", name, "0", unpriced=1) for name in ("gpt-99", "openai/gpt-99")]
    (line,) = compared("openai", [FIRST], charged, usage, NAMES).lines
    assert (line.model, line.ours.unpriced_requests) == ("gpt-99", 2)
    assert (line.explanation.unpriced_usd, line.explanation.rest_usd) == (Decimal(5), NOTHING)


@pytest.mark.parametrize("grouping", list(Grouping))
def test_every_grouping_has_the_same_whole(grouping: Grouping) -> None:
    found = compared("openai", [FIRST, SECOND], CHARGED, RECORDED, NAMES)
    lines = found.by(grouping)
    assert sum(line.difference_usd for line in lines) == found.whole.difference_usd == Decimal("1.25")
    assert sum(line.explanation.difference_usd for line in lines) == found.whole.explanation.difference_usd
    assert found.whole.explanation.difference_usd == found.whole.difference_usd
    assert sum(line.ours.requests for line in lines) == 4


def test_groups_say_what_they_stand_for() -> None:
    found = compared("openai", [FIRST, SECOND], CHARGED, RECORDED, NAMES)
    assert [(line.day, line.model) for line in found.by(Grouping.DAY)] == [(FIRST, None), (SECOND, None)]
    by_model = found.by(Grouping.MODEL)
    assert [(line.day, line.model) for line in by_model] == [(None, ""), (None, "gpt-4o"), (None, "o9-unheard-of")]


def test_each_day_is_converted_at_its_own_rate() -> None:
    rates = [ExchangeRate("EUR", FIRST, Decimal("0.9")), ExchangeRate("EUR", SECOND, Decimal("0.8"))]
    found = compared("openai", [FIRST, SECOND], CHARGED, RECORDED, NAMES, RatesOf("EUR", rates))
    shown = found.whole.in_currency
    assert shown is not None
    assert (shown.invoiced, shown.ours) == (Decimal("5.5") * Decimal("0.9") + Decimal("0.8"), Decimal("4.6"))
    assert shown.difference == Decimal("1.15")
    with pytest.raises(MissingExchangeRate, match="2026-03-14"):
        compared("openai", [FIRST, SECOND], CHARGED, RECORDED, NAMES, RatesOf("EUR", rates[1:]))


def test_nothing_to_compare() -> None:
    found = compared("openai", [FIRST], [], [], NAMES)
    assert found.lines == ()
    assert found.whole.difference_usd == 0
    assert found.by(Grouping.DAY) == ()
