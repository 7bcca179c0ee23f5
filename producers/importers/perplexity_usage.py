"""What Perplexity's chat answers count beside `prompt_tokens` and `completion_tokens`, and in no total."""

from typing import Final

from producers.importers.usage_counts import Usage, count

_WORDS: Final = ("citation_tokens", "num_search_queries")


def is_perplexity(usage: Usage, family: str) -> bool:
    """Whether the rules of this file hold: the provider is named, or its own words are there."""
    return family == "perplexity" or any(word in usage for word in _WORDS)


def charges_research(model: str) -> bool:
    """Whether citations and searches are charged: of all Sonar models they are in deep research only."""
    return "sonar" not in model or "deep-research" in model


def citations(usage: Usage, model: str) -> int:
    """Tokens of the sources that were read. In Perplexity's words: input is the prompt and the citations."""
    return count(usage, "citation_tokens") if charges_research(model) else 0
