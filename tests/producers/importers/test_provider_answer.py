"""What each provider's answer says that it used."""

from decimal import Decimal
from typing import Any

import pytest

from producers.importers.provider_answer import read_answer

from .answers import ANSWERS, Answer
from .dialect_answers import DIALECT_ANSWERS
from .media_answers import MEDIA_ANSWERS

EVERY_ANSWER = {**ANSWERS, **MEDIA_ANSWERS, **DIALECT_ANSWERS}


@pytest.mark.parametrize("answer", EVERY_ANSWER.values(), ids=EVERY_ANSWER)
def test_an_answer_lands_in_the_right_buckets(answer: Answer) -> None:
    read = read_answer({"model": answer.model, **answer.body}, answer.provider)
    assert read is not None
    assert read.model == answer.model
    assert {name: count for name, count in read.tokens.items() if count} == answer.tokens
    assert {unit: str(amount) for unit, amount in read.quantities.items()} == answer.quantities
    assert read.service_tier == answer.service_tier
    assert read.reported_cost_usd == answer.reported_cost_usd


@pytest.mark.parametrize(
    ("more", "tier"),
    [
        ({"service_tier": "scale"}, ""),
        ({"service_tier": "auto"}, ""),
        ({"service_tier": None}, ""),
        ({"service_tier": "PRIORITY"}, "priority"),
        ({"serviceTier": "flex"}, "flex"),
        ({"serviceTier": {"type": "priority"}}, "priority"),
        ({"usage": {"trafficType": "ON_DEMAND_FLEX"}}, "flex"),
        ({"usage": {"traffic_type": "ON_DEMAND_FLEX"}}, "flex"),
        ({"usage": {"trafficType": "PROVISIONED_THROUGHPUT"}}, ""),
    ],
)
def test_a_service_tier_is_one_that_has_prices_of_its_own(more: dict[str, Any], tier: str) -> None:
    usage = {"prompt_tokens": 1} | more.get("usage", {})
    read = read_answer(more | {"usage": usage})
    assert read is not None
    assert read.service_tier == tier


def test_a_rerank_counts_its_searches() -> None:
    read = read_answer({"results": [], "meta": {"billed_units": {"search_units": 3}}}, "cohere")
    assert read is not None
    assert read.quantities == {"rerank_searches": Decimal(3)}
    assert not any(read.tokens.values())


@pytest.mark.parametrize(
    ("more", "cost_usd"),
    [
        ({"is_byok": False, "cost_details": {"upstream_inference_cost": 0.5}}, "0.5"),
        ({"is_byok": True, "cost_details": {"upstream_inference_cost": 0.25}}, "0.75"),
        ({"is_byok": True, "cost_details": {"upstream_inference_cost": 0}}, "0.5"),
        ({"is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"is_byok": True}, None),
    ],
)
def test_a_fee_for_ones_own_key_comes_to_what_the_provider_charges(more: dict[str, Any], cost_usd: str | None) -> None:
    read = read_answer({"usage": {"prompt_tokens": 1, "cost": 0.5} | more})
    assert read is not None
    assert read.reported_cost_usd == (None if cost_usd is None else Decimal(cost_usd))


def test_pages_with_annotations_are_pages_of_another_price() -> None:
    annotated = {"pages": [{"images": [{"image_annotation": "{}"}]}], "usage_info": {"pages_processed": 3}}
    read = read_answer(annotated, "mistral")
    assert read is not None
    assert read.quantities == {"input_annotated_document_pages": Decimal(3)}


def test_tokens_and_time_of_a_voice_call_are_both_kept() -> None:
    usage = {
        "input_token_details": {"text_tokens": 4, "audio_tokens": 6},
        "output_token_details": {"audio_tokens": 5},
        "billable_audio_seconds": 2,
    }
    read = read_answer({"type": "response.done", "usage": usage}, "x-ai")
    assert read is not None
    assert {name: count for name, count in read.tokens.items() if count} == {
        "input_tokens": 4,
        "input_audio_tokens": 6,
        "output_audio_tokens": 5,
    }
    assert read.quantities == {"audio_seconds": Decimal(2)}


def test_an_answer_without_usage_says_nothing() -> None:
    assert read_answer({"id": "x", "choices": []}) is None
    assert read_answer({"usage": None, "model": "gpt-4o"}) is None


def test_a_cost_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        read_answer({"usage": {"prompt_tokens": 1, "cost": -1}})
