"""Usage as Anthropic and Bedrock count it: cache reads and writes beside the input."""

from producers.importers.usage_counts import Usage, count, known, part, parts
from tokentally.errors import InconsistentTokenCounts
from tokentally.tokens import TokenCounts, disjoint


def messages(usage: Usage) -> TokenCounts:
    """Buckets of Anthropic's messages, also as MiniMax, Vertex and Azure answer them."""
    kept = part(usage, "cache_creation")
    return _with_cache_beside(
        count(usage, "input_tokens"),
        count(usage, "output_tokens"),
        read=count(usage, "cache_read_input_tokens"),
        written=known(usage, "cache_creation_input_tokens"),
        kept_5m=count(kept, "ephemeral_5m_input_tokens"),
        kept_1h=count(kept, "ephemeral_1h_input_tokens"),
        reasoning=count(part(usage, "output_tokens_details"), "thinking_tokens", "reasoning_tokens"),
    )


def converse(usage: Usage) -> TokenCounts:
    """Buckets of Bedrock's Converse, of Nova's own answers (`…TokenCount`) and of Cursor's usage events."""
    details = parts(usage, "cacheDetails")
    return _with_cache_beside(
        count(usage, "inputTokens", "inputTokenCount"),
        count(usage, "outputTokens", "outputTokenCount"),
        read=count(usage, "cacheReadInputTokens", "cacheReadInputTokenCount", "cacheReadTokens"),
        written=known(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount", "cacheWriteTokens"),
        kept_5m=sum(count(each, "inputTokens") for each in details if each.get("ttl") == "5m"),
        kept_1h=sum(count(each, "inputTokens") for each in details if each.get("ttl") == "1h"),
    )


def _with_cache_beside(
    uncached: int, output: int, *, read: int, written: int | None, kept_5m: int, kept_1h: int, reasoning: int = 0
) -> TokenCounts:
    """Buckets of one call; writes that are said without a lifetime are five-minute writes.

    written: all cache writes, None when only those with a lifetime are said. Raises InconsistentTokenCounts when
    those with a lifetime are more.
    """
    total = kept_5m + kept_1h if written is None else written
    if kept_5m + kept_1h > total:
        raise InconsistentTokenCounts(
            f"cache writes of {total} tokens are less than those kept 5 minutes ({kept_5m}) and 1 hour ({kept_1h})"
        )
    return disjoint(
        uncached + read + total,
        output,
        cached=read,
        cache_write_5m=total - kept_1h,
        cache_write_1h=kept_1h,
        reasoning=reasoning,
    )
