"""Answers as the references of real providers show them, cut down to what counts; texts are left out.

Each with what it used by bucket and otherwise, worked out by hand from the reference's own words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from producers.importers.provider_usage import bucketed


@dataclass(frozen=True)
class Answer:
    """One answer, and what is in it. model: as the answer names it, or as the caller asked where it names none."""

    provider: str
    model: str
    body: Mapping[str, Any]
    tokens: Mapping[str, int]
    quantities: Mapping[str, str] = field(default_factory=dict)
    service_tier: str = ""
    reported_cost_usd: Decimal | None = None


def buckets(usage: dict[str, Any], provider: str = "", model: str = "") -> dict[str, int]:
    """The buckets of a usage object that hold tokens."""
    counts = bucketed(usage, provider, model)
    assert counts is not None
    return {name: count for name, count in counts.items() if isinstance(count, int) and count}


ANSWERS: Mapping[str, Answer] = {
    "openai chat": Answer(
        "openai",
        "gpt-4o-2024-08-06",
        {
            "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
            "object": "chat.completion",
            "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": 2006,
                "completion_tokens": 300,
                "total_tokens": 2306,
                "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            },
            "service_tier": "default",
        },
        {"input_tokens": 86, "cache_read_tokens": 1920, "output_tokens": 300},
    ),
    "openai chat, priority": Answer(
        "openai",
        "gpt-4o-2024-08-06",
        {
            "model": "gpt-4o-2024-08-06",
            "usage": {
                "prompt_tokens": 1000,
                "completion_tokens": 100,
                "total_tokens": 1100,
                "prompt_tokens_details": {"cached_tokens": 400},
            },
            "service_tier": "priority",
        },
        {"input_tokens": 600, "cache_read_tokens": 400, "output_tokens": 100},
        service_tier="priority",
    ),
    "openai responses": Answer(
        "openai",
        "gpt-5-2025-08-07",
        {
            "id": "resp_67ccd2bed1ec8190",
            "object": "response",
            "model": "gpt-5-2025-08-07",
            "output": [
                {"type": "reasoning"},
                {"type": "web_search_call", "status": "completed", "action": {"type": "search"}},
                {"type": "web_search_call", "status": "completed", "action": {"type": "open_page"}},
                {"type": "web_search_call", "status": "completed", "action": {"type": "search"}},
                {"type": "file_search_call", "status": "completed"},
                {"type": "message", "role": "assistant"},
            ],
            "service_tier": "flex",
            "usage": {
                "input_tokens": 328,
                "input_tokens_details": {"cached_tokens": 128},
                "output_tokens": 520,
                "output_tokens_details": {"reasoning_tokens": 384},
                "total_tokens": 848,
            },
        },
        {"input_tokens": 200, "cache_read_tokens": 128, "output_tokens": 136, "reasoning_tokens": 384},
        {"web_searches": "2", "storage_searches": "1"},
        service_tier="flex",
    ),
    "anthropic, cache and thinking": Answer(
        "anthropic",
        "claude-sonnet-4-5-20250929",
        {
            "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
            "type": "message",
            "model": "claude-sonnet-4-5-20250929",
            "content": [{"type": "thinking"}, {"type": "text"}],
            "usage": {
                "input_tokens": 21,
                "cache_creation_input_tokens": 1000,
                "cache_read_input_tokens": 18086,
                "cache_creation": {"ephemeral_5m_input_tokens": 400, "ephemeral_1h_input_tokens": 600},
                "output_tokens": 393,
                "output_tokens_details": {"thinking_tokens": 200},
                "server_tool_use": {"web_search_requests": 2},
                "service_tier": "standard",
            },
        },
        {
            "input_tokens": 21,
            "cache_write_5m_tokens": 400,
            "cache_write_1h_tokens": 600,
            "cache_read_tokens": 18086,
            "output_tokens": 193,
            "reasoning_tokens": 200,
        },
        {"web_searches": "2"},
    ),
    "anthropic, batch": Answer(
        "anthropic",
        "claude-opus-4-8",
        {
            "model": "claude-opus-4-8",
            "usage": {
                "input_tokens": 1000,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 200,
                "service_tier": "batch",
            },
        },
        {"input_tokens": 1000, "output_tokens": 200},
        service_tier="batch",
    ),
    "anthropic, fast": Answer(
        "anthropic",
        "claude-opus-4-8",
        {
            "model": "claude-opus-4-8",
            "usage": {"input_tokens": 1000, "output_tokens": 200, "service_tier": "standard", "speed": "fast"},
        },
        {"input_tokens": 1000, "output_tokens": 200},
        service_tier="fast",
    ),
    "google, cached and audio": Answer(
        "google",
        "gemini-2.5-flash",
        {
            "candidates": [{"finishReason": "STOP"}],
            "usageMetadata": {
                "promptTokenCount": 1000,
                "cachedContentTokenCount": 600,
                "candidatesTokenCount": 50,
                "thoughtsTokenCount": 200,
                "totalTokenCount": 1250,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 900},
                    {"modality": "AUDIO", "tokenCount": 100},
                ],
                "cacheTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 560},
                    {"modality": "AUDIO", "tokenCount": 40},
                ],
                "trafficType": "ON_DEMAND",
            },
            "modelVersion": "gemini-2.5-flash",
        },
        {
            "input_tokens": 340,
            "cache_read_tokens": 560,
            "input_audio_tokens": 60,
            "cache_audio_read_tokens": 40,
            "output_tokens": 50,
            "reasoning_tokens": 200,
        },
    ),
    "mistral": Answer(
        "mistral",
        "mistral-large-latest",
        {
            "id": "cmpl-e5cc70bb28c444948073e77776eb30ef",
            "object": "chat.completion",
            "model": "mistral-large-latest",
            "usage": {"prompt_tokens": 160, "completion_tokens": 34, "total_tokens": 194},
        },
        {"input_tokens": 160, "output_tokens": 34},
    ),
    "mistral, pages": Answer(
        "mistral",
        "mistral-ocr-2505",
        {"pages": [], "model": "mistral-ocr-2505", "usage_info": {"pages_processed": 29, "doc_size_bytes": 3002783}},
        {},
        {"input_document_pages": "29"},
    ),
    "deepseek": Answer(
        "deepseek",
        "deepseek-chat",
        {
            "model": "deepseek-chat",
            "usage": {
                "prompt_tokens": 1200,
                "completion_tokens": 80,
                "total_tokens": 1280,
                "prompt_cache_hit_tokens": 1088,
                "prompt_cache_miss_tokens": 112,
            },
        },
        {"input_tokens": 112, "cache_read_tokens": 1088, "output_tokens": 80},
    ),
    "xai": Answer(
        "x-ai",
        "grok-4-0709",
        {
            "model": "grok-4-0709",
            "usage": {
                "prompt_tokens": 37,
                "completion_tokens": 9,
                "total_tokens": 140,
                "prompt_tokens_details": {"text_tokens": 37, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 8},
                "completion_tokens_details": {"reasoning_tokens": 94, "audio_tokens": 0},
                "num_sources_used": 0,
                "cost_in_usd_ticks": 16380000,
            },
        },
        {"input_tokens": 29, "cache_read_tokens": 8, "output_tokens": 9, "reasoning_tokens": 94},
        reported_cost_usd=Decimal("0.001638"),
    ),
    "groq": Answer(
        "groq",
        "openai/gpt-oss-120b",
        {
            "model": "openai/gpt-oss-120b",
            "usage": {
                "queue_time": 0.037,
                "prompt_tokens": 400,
                "prompt_time": 0.0006,
                "completion_tokens": 500,
                "completion_time": 0.4,
                "total_tokens": 900,
                "prompt_tokens_details": {"cached_tokens": 256},
                "completion_tokens_details": {"reasoning_tokens": 120},
            },
            "service_tier": "on_demand",
            "x_groq": {"id": "req_01jbd6g2qdfw2adyrt2az8hz4w"},
        },
        {"input_tokens": 144, "cache_read_tokens": 256, "output_tokens": 380, "reasoning_tokens": 120},
    ),
    "cohere": Answer(
        "cohere",
        "command-a-03-2025",
        {
            "id": "c14c80c3-18eb-4519-9460-6c92edd8cfb4",
            "finish_reason": "COMPLETE",
            "usage": {
                "billed_units": {"input_tokens": 5, "output_tokens": 418},
                "tokens": {"input_tokens": 71, "output_tokens": 420},
            },
        },
        {"input_tokens": 5, "output_tokens": 418},
    ),
    "bedrock": Answer(
        "bedrock",
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        {
            "stopReason": "end_turn",
            "usage": {
                "inputTokens": 30,
                "outputTokens": 628,
                "totalTokens": 4258,
                "cacheReadInputTokens": 2600,
                "cacheWriteInputTokens": 1000,
                "cacheDetails": [{"ttl": "1h", "inputTokens": 700}, {"ttl": "5m", "inputTokens": 300}],
            },
            "metrics": {"latencyMs": 1275},
            "serviceTier": {"type": "default"},
        },
        {
            "input_tokens": 30,
            "cache_read_tokens": 2600,
            "cache_write_5m_tokens": 300,
            "cache_write_1h_tokens": 700,
            "output_tokens": 628,
        },
    ),
    "openrouter": Answer(
        "openrouter",
        "anthropic/claude-sonnet-4.5",
        {
            "id": "gen-1745687431-mQxJ3",
            "provider": "Anthropic",
            "model": "anthropic/claude-sonnet-4.5",
            "usage": {
                "prompt_tokens": 1194,
                "completion_tokens": 60,
                "total_tokens": 1254,
                "cost": 0.0017958,
                "is_byok": False,
                "prompt_tokens_details": {"cached_tokens": 1000, "audio_tokens": 0},
                "cost_details": {"upstream_inference_cost": None},
                "completion_tokens_details": {"reasoning_tokens": 16},
            },
        },
        {"input_tokens": 194, "cache_read_tokens": 1000, "output_tokens": 44, "reasoning_tokens": 16},
        reported_cost_usd=Decimal("0.0017958"),
    ),
}
