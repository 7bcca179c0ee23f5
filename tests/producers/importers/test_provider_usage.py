"""Each provider's usage object, as its reference shows it, lands in the right buckets."""

from decimal import Decimal
from typing import Any

import pytest
from genai_prices import extract_usage

from producers.importers.provider_usage import bucketed, family
from tests.producers.importers.answers import buckets
from tokentally.errors import InconsistentTokenCounts

OPENAI_CHAT = {
    "prompt_tokens": 2006,
    "completion_tokens": 300,
    "total_tokens": 2306,
    "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 128, "audio_tokens": 0, "accepted_prediction_tokens": 0},
}
OPENAI_RESPONSES = {
    "input_tokens": 328,
    "input_tokens_details": {"cached_tokens": 100},
    "output_tokens": 52,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 380,
}
XAI_CHAT = {
    "prompt_tokens": 37,
    "completion_tokens": 9,
    "total_tokens": 140,
    "prompt_tokens_details": {"text_tokens": 37, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 94, "audio_tokens": 0},
}
ANTHROPIC = {
    "input_tokens": 21,
    "cache_creation_input_tokens": 1000,
    "cache_read_input_tokens": 188086,
    "cache_creation": {"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 600},
    "output_tokens": 393,
    "server_tool_use": {"web_search_requests": 2},
}
GEMINI = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 600,
    "candidatesTokenCount": 50,
    "thoughtsTokenCount": 200,
    "totalTokenCount": 1250,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 900}, {"modality": "AUDIO", "tokenCount": 100}],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 560}, {"modality": "AUDIO", "tokenCount": 40}],
}


def test_openai_totals_contain_cached_and_reasoning_tokens() -> None:
    assert buckets(OPENAI_CHAT, "openai") == {
        "input_tokens": 86,
        "cache_read_tokens": 1920,
        "output_tokens": 172,
        "reasoning_tokens": 128,
    }
    assert buckets(OPENAI_RESPONSES, "openai") == {
        "input_tokens": 228,
        "cache_read_tokens": 100,
        "output_tokens": 32,
        "reasoning_tokens": 20,
    }


def test_anthropic_counts_cache_reads_and_writes_beside_its_input() -> None:
    assert buckets(ANTHROPIC, "anthropic") == {
        "input_tokens": 21,
        "cache_read_tokens": 188086,
        "cache_write_5m_tokens": 400,
        "cache_write_1h_tokens": 600,
        "output_tokens": 393,
    }


def test_anthropic_without_cache_is_told_from_openai_by_the_provider() -> None:
    assert buckets({"input_tokens": 10, "output_tokens": 5}, "anthropic") == {"input_tokens": 10, "output_tokens": 5}


def test_cache_writes_without_a_lifetime_are_five_minute_writes() -> None:
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 7, "output_tokens": 2}
    assert buckets(usage)["cache_write_5m_tokens"] == 7


def test_gemini_thoughts_are_beside_its_candidates_and_cached_tokens_inside_its_prompt() -> None:
    assert buckets(GEMINI, "google") == {
        "input_tokens": 340,
        "cache_read_tokens": 560,
        "input_audio_tokens": 60,
        "cache_audio_read_tokens": 40,
        "output_tokens": 50,
        "reasoning_tokens": 200,
    }


def test_reasoning_beside_the_completion_is_seen_from_the_total() -> None:
    assert buckets(XAI_CHAT, "groq") == {
        "input_tokens": 29,
        "cache_read_tokens": 8,
        "output_tokens": 9,
        "reasoning_tokens": 94,
    }


def test_xai_counts_reasoning_beside_the_completion_when_there_is_no_total() -> None:
    usage = {name: count for name, count in XAI_CHAT.items() if name != "total_tokens"}
    assert buckets(usage, "x-ai")["output_tokens"] == 9
    with pytest.raises(InconsistentTokenCounts, match="output_total 9 is less"):
        bucketed(usage, "openai")


def test_gemini_through_the_chat_shape_keeps_its_thoughts_in_the_total_only() -> None:
    usage = {"prompt_tokens": 758, "completion_tokens": 102, "total_tokens": 1725}
    assert buckets(usage, "google_free", "gemini-2.5-flash") == {
        "input_tokens": 758,
        "output_tokens": 102,
        "reasoning_tokens": 865,
    }
    assert buckets(usage, "openai", "gpt-4o") == {"input_tokens": 758, "output_tokens": 102}


@pytest.mark.parametrize(
    ("provider", "flavor", "usage"),
    [
        ("openai", "chat", OPENAI_CHAT),
        ("openai", "responses", OPENAI_RESPONSES),
        ("x-ai", "chat", XAI_CHAT),
        ("anthropic", "default", ANTHROPIC),
        ("google", "default", GEMINI),
    ],
)
def test_totals_agree_with_the_price_catalogues_own_reading(provider: str, flavor: str, usage: dict[str, Any]) -> None:
    model = {"openai": "gpt-4o", "x-ai": "grok-4", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}[
        provider
    ]
    root, name = ("usageMetadata", "modelVersion") if provider == "google" else ("usage", "model")
    theirs = extract_usage({root: usage, name: model}, provider_id=provider, api_flavor=flavor).usage
    ours = buckets(usage, provider, model)
    input_names = [name for name in ours if name.startswith(("input_", "cache_"))]
    assert sum(ours[name] for name in input_names) == theirs.input_tokens
    assert sum(count for name, count in ours.items() if name not in input_names) == theirs.output_tokens
    read = ours.get("cache_read_tokens", 0) + ours.get("cache_audio_read_tokens", 0)
    assert read == (theirs.cache_read_tokens or 0)
    written = ours.get("cache_write_5m_tokens", 0) + ours.get("cache_write_1h_tokens", 0)
    assert written == (theirs.cache_write_tokens or 0)


def test_a_part_above_its_total_is_an_error_never_a_negative_count() -> None:
    with pytest.raises(InconsistentTokenCounts, match="input_total 10 is less than the parts"):
        bucketed({"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 11}})


def test_cache_writes_with_a_lifetime_are_never_more_than_all() -> None:
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 599, "output_tokens": 2}
    kept = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 500}
    with pytest.raises(InconsistentTokenCounts, match=r"599 tokens are less than .* \(100\) and 1 hour \(500\)"):
        bucketed(usage | {"cache_creation": kept})
    with pytest.raises(InconsistentTokenCounts):
        bucketed({"inputTokens": 1, "cacheWriteInputTokens": 1, "cacheDetails": [{"ttl": "1h", "inputTokens": 2}]})


def test_a_count_under_two_names_counts_once() -> None:
    usage = {
        "inputTokens": 20,
        "outputTokens": 30,
        "cacheReadInputTokens": 400,
        "cacheReadInputTokenCount": 400,
        "cacheWriteInputTokens": 100,
        "cacheWriteInputTokenCount": 100,
    }
    assert sum(buckets(usage, "bedrock").values()) == 550
    cached = {"num_cached_tokens": 128, "prompt_tokens_details": {"cached_tokens": 128}}
    assert sum(buckets({"prompt_tokens": 160, "completion_tokens": 34, **cached}, "mistral").values()) == 194


def test_cached_audio_without_details_of_the_prompt_is_audio_of_the_prompt() -> None:
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 60,
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}],
    }
    assert buckets(usage) == {"input_tokens": 40, "cache_read_tokens": 10, "cache_audio_read_tokens": 50}


@pytest.mark.parametrize(
    "count", [-1, 1.5, float("inf"), float("nan"), True, "12", Decimal("1.5"), Decimal("1e999999"), [1]]
)
def test_what_is_no_count_is_refused(count: object) -> None:
    with pytest.raises(InconsistentTokenCounts):
        bucketed({"prompt_tokens": count, "completion_tokens": 1})


def test_null_means_nothing_reported() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": None, "prompt_tokens_details": None}
    assert buckets(usage) == {"input_tokens": 5}


def test_an_object_without_counts_says_so() -> None:
    assert bucketed({}) is None
    assert bucketed({"seconds": 3}) is None


@pytest.mark.parametrize(
    ("provider", "model", "rules"),
    [
        ("google_free", "gemini-2.5-flash", "google"),
        ("openrouter", "google/gemini-2.5-pro", "google"),
        ("openrouter", "anthropic/claude-sonnet-4", "anthropic"),
        ("bedrock", "claude-3-haiku", "anthropic"),
        ("groq", "kimi-k2", "groq"),
    ],
)
def test_whose_rules_hold(provider: str, model: str, rules: str) -> None:
    assert family(provider, model) == rules
