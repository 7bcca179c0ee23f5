"""A provider's answer in, what a usage event says of it out: model, buckets, other units, service tier, its own cost.

Answers are told apart by their field names, like usage objects (`provider_usage`). The content of the answer is never
looked at, only counted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from producers.importers.perplexity_usage import charges_research
from producers.importers.provider_usage import bucketed
from producers.importers.usage_counts import Usage, part, parts
from tokentally.decimals import read_decimal
from tokentally.fields import ServiceTier
from tokentally.service_tiers import service_tier_of
from tokentally.tokens import TokenCounts, disjoint

_XAI_TICKS_PER_USD: Final = 10**10
_USAGE: Final = ("usage", "usageMetadata", "usage_metadata", "usage_info", "tokenUsage", "meta")
_WRAPPERS: Final = ("response", "result")
"""What realtime events and Cloudflare put the answer into."""
_QUANTITIES: Final = (
    ("web_searches", ("server_tool_use", "web_search_requests")),
    ("code_executions", ("server_tool_use", "code_execution_requests")),
    ("rerank_searches", ("billed_units", "search_units")),
    ("web_searches", ("tool_calls_details", "search_web", "invocation")),
    ("input_audio_seconds", ("prompt_audio_seconds",)),
    ("audio_seconds", ("seconds",)),
    ("audio_seconds", ("billable_audio_seconds",)),
    ("input_text_messages", ("input_text_messages",)),
)
"""Units that usage objects count beside tokens: Anthropic's tools, Cohere's searches, Perplexity's, Mistral's seconds,
OpenAI's, xAI's, and its messages.
"""
_CALLS: Final = {"web_search_call": "web_searches", "file_search_call": "storage_searches"}
"""Tool calls among the output items of OpenAI's responses."""


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What one answer used. quantities: units of the price catalogue. reported_cost_usd: None when it names none."""

    model: str
    tokens: TokenCounts
    quantities: Mapping[str, Decimal]
    service_tier: ServiceTier
    reported_cost_usd: Decimal | None


def read_answer(body: Mapping[str, object], provider: str = "") -> ProviderAnswer | None:
    """What the decoded JSON of an answer says it used; None when it says nothing that is known here.

    provider: who answered, as the price catalogue names it; some shapes mean different things by provider.

    Raises InconsistentTokenCounts when a part exceeds the total that should contain it, ValueError for a cost or
    quantity that is no number.
    """
    body = _unwrapped(body)
    usage = part(body, *_USAGE)
    model = str(body.get("model") or body.get("modelVersion") or body.get("model_version") or "")
    tokens = bucketed(usage, provider, model)
    quantities = dict(_quantities(body, usage, model))
    if tokens is None and not quantities:
        return None
    return ProviderAnswer(
        model=model,
        tokens=tokens or disjoint(0),
        quantities=quantities,
        service_tier=_service_tier(body, usage),
        reported_cost_usd=_reported_cost_usd(usage),
    )


def _unwrapped(body: Usage) -> Usage:
    """The answer itself, with what an event or a gateway says around it."""
    inner = part(body, *_WRAPPERS)
    return {**body, **inner} if part(inner, *_USAGE) and not part(body, *_USAGE) else body


def _quantities(body: Usage, usage: Usage, model: str) -> Iterator[tuple[str, Decimal]]:
    for unit, (*path, last) in _QUANTITIES:
        within = usage
        for name in path:
            within = part(within, name)
        if amount := within.get(last):
            yield unit, read_decimal(amount)
    if (searches := usage.get("num_search_queries")) and charges_research(model):
        yield "web_searches", read_decimal(searches)
    if pages := usage.get("pages_processed"):
        yield "input_annotated_document_pages" if _is_annotated(body) else "input_document_pages", read_decimal(pages)
    calls = parts(body, "output")
    for kind, unit in _CALLS.items():
        if count := sum(item.get("type") == kind and _is_charged(item) for item in calls):
            yield unit, Decimal(count)


def _is_annotated(body: Usage) -> bool:
    """Whether Mistral was asked to annotate the document or its images: then each page costs more."""
    images = (image for page in parts(body, "pages") for image in parts(page, "images"))
    return bool(body.get("document_annotation") or any(image.get("image_annotation") for image in images))


def _is_charged(call: Usage) -> bool:
    """Opening a page that a search has found costs nothing."""
    return part(call, "action").get("type", "search") == "search"


def _service_tier(body: Usage, usage: Usage) -> ServiceTier:
    """The first word that names a service tier: Anthropic's fast calls say `standard` beside it."""
    served = body.get("serviceTier")
    words = (
        usage.get("speed"),
        body.get("service_tier"),
        usage.get("service_tier"),
        served.get("type") if isinstance(served, Mapping) else served,
        usage.get("serviceTier"),
        str(usage.get("trafficType") or usage.get("traffic_type")).removeprefix("ON_DEMAND_"),
    )
    found: Iterator[ServiceTier] = (service_tier_of(word) for word in words if isinstance(word, str))
    return next((tier for tier in found if tier), "")


def _reported_cost_usd(usage: Usage) -> Decimal | None:
    """OpenRouter's cost in USD, Perplexity's total of it, or xAI's in ticks.

    With a key of one's own at OpenRouter (`is_byok`), `cost` is its fee only, and what the provider charges comes to
    it; without that key both name the same money.
    """
    cost = usage.get("cost")
    if isinstance(cost, Mapping):
        cost = cost.get("total_cost")
    if cost is not None:
        return read_decimal(cost) if usage.get("is_byok") is not True else _with_upstream_usd(usage, cost)
    ticks = usage.get("cost_in_usd_ticks")
    return None if ticks is None else read_decimal(ticks) / _XAI_TICKS_PER_USD


def _with_upstream_usd(usage: Usage, fee: object) -> Decimal | None:
    """Fee and the provider's charge together; None when the charge is not said: a fee alone is no cost."""
    upstream = part(usage, "cost_details").get("upstream_inference_cost")
    return None if upstream is None else read_decimal(fee) + read_decimal(upstream)
