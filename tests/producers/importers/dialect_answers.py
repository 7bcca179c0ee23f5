"""Answers that count in words of their own where others copy OpenAI, like those of `answers`."""

from collections.abc import Mapping
from decimal import Decimal

from .answers import Answer

DIALECT_ANSWERS: Mapping[str, Answer] = {
    "xai, python sdk": Answer(
        "x-ai",
        "grok-3",
        {
            "usage": {
                "prompt_tokens": 100,
                "cached_prompt_text_tokens": 40,
                "reasoning_tokens": 30,
                "completion_tokens": 10,
                "total_tokens": 140,
            }
        },
        {"input_tokens": 60, "cache_read_tokens": 40, "output_tokens": 10, "reasoning_tokens": 30},
    ),
    "anthropic, writes for an hour only": Answer(
        "anthropic",
        "claude-sonnet-4-5-20250929",
        {"usage": {"input_tokens": 21, "cache_creation": {"ephemeral_1h_input_tokens": 600}, "output_tokens": 10}},
        {"input_tokens": 21, "cache_write_1h_tokens": 600, "output_tokens": 10},
    ),
    "bedrock, nova's own": Answer(
        "bedrock",
        "amazon.nova-lite-v1:0",
        {
            "usage": {
                "inputTokens": 20,
                "outputTokens": 30,
                "totalTokens": 550,
                "cacheReadInputTokenCount": 400,
                "cacheWriteInputTokenCount": 100,
            }
        },
        {"input_tokens": 20, "cache_read_tokens": 400, "cache_write_5m_tokens": 100, "output_tokens": 30},
    ),
    "google, cached audio that is not told apart": Answer(
        "google",
        "gemini-2.5-flash",
        {
            "usageMetadata": {
                "promptTokenCount": 1000,
                "cachedContentTokenCount": 600,
                "candidatesTokenCount": 5,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 100},
                    {"modality": "AUDIO", "tokenCount": 900},
                ],
            }
        },
        {"cache_read_tokens": 100, "cache_audio_read_tokens": 500, "input_audio_tokens": 400, "output_tokens": 5},
    ),
    "google, python sdk": Answer(
        "google",
        "gemini-2.5-flash",
        {
            "model_version": "gemini-2.5-flash",
            "usage_metadata": {
                "prompt_token_count": 1000,
                "cached_content_token_count": 600,
                "candidates_token_count": 50,
                "thoughts_token_count": 200,
                "tool_use_prompt_token_count": None,
                "total_token_count": 1250,
                "prompt_tokens_details": [
                    {"modality": "TEXT", "token_count": 900},
                    {"modality": "AUDIO", "token_count": 100},
                ],
                "cache_tokens_details": [
                    {"modality": "TEXT", "token_count": 560},
                    {"modality": "AUDIO", "token_count": 40},
                ],
                "candidates_tokens_details": None,
                "traffic_type": "ON_DEMAND",
            },
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
    "mistral, cached": Answer(
        "mistral",
        "mistral-large-2512",
        {"usage": {"prompt_tokens": 160, "completion_tokens": 34, "total_tokens": 194, "num_cached_tokens": 128}},
        {"input_tokens": 32, "cache_read_tokens": 128, "output_tokens": 34},
    ),
    "cohere, nothing billed apart": Answer(
        "cohere",
        "command-a-03-2025",
        {"usage": {"tokens": {"input_tokens": 71.0, "output_tokens": 420.0}, "cached_tokens": 64.0}},
        {"input_tokens": 7, "cache_read_tokens": 64, "output_tokens": 420},
    ),
    "perplexity, deep research": Answer(
        "perplexity",
        "sonar-deep-research",
        {
            "usage": {
                "prompt_tokens": 33,
                "completion_tokens": 11395,
                "total_tokens": 11428,
                "citation_tokens": 19028,
                "num_search_queries": 21,
                "reasoning_tokens": 193947,
                "cost": {"total_cost": 0.816},
            }
        },
        {"input_tokens": 33 + 19028, "output_tokens": 11395, "reasoning_tokens": 193947},
        {"web_searches": "21"},
        reported_cost_usd=Decimal("0.816"),
    ),
    "perplexity, searches within the request": Answer(
        "perplexity",
        "sonar-pro",
        {
            "usage": {
                "prompt_tokens": 9,
                "completion_tokens": 525,
                "total_tokens": 534,
                "citation_tokens": 4941,
                "num_search_queries": 2,
            }
        },
        {"input_tokens": 9, "output_tokens": 525},
    ),
    "cloudflare": Answer(
        "cloudflare",
        "@cf/meta/llama-3.1-8b-instruct",
        {"result": {"response": "", "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}}},
        {"input_tokens": 20, "output_tokens": 10},
    ),
    "openrouter, key of one's own": Answer(
        "openrouter",
        "anthropic/claude-sonnet-4.5",
        {
            "usage": {
                "prompt_tokens": 1194,
                "completion_tokens": 60,
                "total_tokens": 1254,
                "cost": 0.0000891,
                "is_byok": True,
                "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 0},
                "cost_details": {"upstream_inference_cost": 0.001782},
                "completion_tokens_details": {"reasoning_tokens": 16, "image_tokens": 0},
            },
        },
        {"input_tokens": 194, "cache_read_tokens": 1000, "output_tokens": 44, "reasoning_tokens": 16},
        reported_cost_usd=Decimal("0.0018711"),
    ),
}
