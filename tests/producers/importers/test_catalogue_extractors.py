"""Every path that the price catalogue reads in a provider's answer is read here too, and means the same."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.data import providers
from genai_prices.types import ArrayMatch, ClauseEquals, Usage

from producers.importers.provider_answer import ProviderAnswer, read_answer
from tokentally.errors import InconsistentTokenCounts

EXTRACTORS = {
    f"{provider.id} {extractor.api_flavor}": (provider.id, extractor)
    for provider in providers
    for extractor in provider.extractors or ()
}
WHOLE = {
    "input_tokens": ("input_", "cache_"),
    "cache_read_tokens": ("cache_read_tokens", "cache_audio_read_", "cache_image_read_"),
    "cache_write_tokens": ("cache_write_",),
    "cache_write_5m_tokens": ("cache_write_5m_",),
    "cache_write_1h_tokens": ("cache_write_1h_",),
    "input_audio_tokens": ("input_audio_", "cache_audio_read_"),
    "cache_audio_read_tokens": ("cache_audio_read_",),
    "input_image_tokens": ("input_image_", "cache_image_read_"),
    "cache_image_read_tokens": ("cache_image_read_",),
    "output_tokens": ("output_", "reasoning_"),
    "output_reasoning_tokens": ("reasoning_",),
    "output_audio_tokens": ("output_audio_",),
    "output_image_tokens": ("output_image_",),
    "input_video_tokens": ("input_video_",),
    "output_video_tokens": ("output_video_",),
}
"""Our buckets, by the start of their names, that make up a count of the catalogue."""
REMAINDERS = {
    "input_text_tokens",
    "output_text_tokens",
    "cache_text_read_tokens",
    "cache_video_read_tokens",
    "input_tool_tokens",
    "input_text_tool_tokens",
    "input_audio_tool_tokens",
    "input_image_tool_tokens",
    "input_video_tool_tokens",
}
"""What has no bucket of its own: text is what is left of a total, cached video is in the cached text, and what tools
put into the prompt is input.
"""
CITATIONS = {"output_citation_tokens"}
"""Input here, as Perplexity defines them; the catalogue has them in the output."""
QUANTITIES = {
    "audio_seconds",
    "input_text_messages",
    "web_searches",
    "input_document_pages",
    "input_annotated_document_pages",
}
TOTALS = {
    "prompt_tokens",
    "completion_tokens",
    "input_tokens",
    "output_tokens",
    "promptTokenCount",
    "candidatesTokenCount",
    "inputTokens",
    "outputTokens",
}
TOTAL_DECIDES = {"google chat"}
"""Where reasoning is inside the completion when the total says so, and beside it when there is no total."""
WRITTEN = {
    "cache_creation_input_tokens": 3000,
    "cacheWriteInputTokens": 3000,
    "ephemeral_5m_input_tokens": 1000,
    "ephemeral_1h_input_tokens": 2000,
    "5m": 1000,
    "1h": 2000,
}

Step = str | ArrayMatch


@pytest.mark.parametrize("name", EXTRACTORS)
def test_an_answer_says_what_the_catalogue_reads_in_it(name: str) -> None:
    provider, extractor = EXTRACTORS[name]
    body = _body(name)
    _, theirs = extractor.extract(body)
    ours = read_answer(body, provider)
    assert ours is not None
    for dest in sorted({mapping.dest for mapping in extractor.mappings} - REMAINDERS - CITATIONS):
        assert _ours(ours, dest, theirs) == getattr(theirs, dest), dest


@pytest.mark.parametrize("name", EXTRACTORS)
def test_one_more_on_any_path_is_another_answer(name: str) -> None:
    """Or none at all, where the part then exceeds its total."""
    provider, extractor = EXTRACTORS[name]
    before = _reading(_body(name), provider)
    assert isinstance(before, ProviderAnswer)
    for mapping in extractor.mappings:
        if mapping.dest not in REMAINDERS:
            assert _reading(_body(name, more_at=_steps(mapping.path)), provider) != before, mapping.path


def test_every_count_of_the_catalogue_has_a_place() -> None:
    read = {mapping.dest for _, extractor in EXTRACTORS.values() for mapping in extractor.mappings}
    assert read == WHOLE.keys() | REMAINDERS | CITATIONS | QUANTITIES


def _ours(answer: ProviderAnswer, dest: str, theirs: Usage) -> Decimal:
    """What our answer says under the catalogue's name, where a whole contains its parts."""
    if dest in QUANTITIES:
        return sum((n for unit, n in answer.quantities.items() if unit in (dest, _PART.get(dest))), Decimal(0))
    counts = {name: count for name, count in answer.tokens.items() if isinstance(count, int)}
    whole = Decimal(sum(count for name, count in counts.items() if name.startswith(WHOLE[dest])))
    return whole + {
        "input_tokens": -Decimal(theirs.output_citation_tokens or 0),
        "output_tokens": Decimal(theirs.output_citation_tokens or 0),
        "input_video_tokens": Decimal(theirs.cache_video_read_tokens or 0),
    }.get(dest, Decimal(0))


_PART = {"input_document_pages": "input_annotated_document_pages"}


def _reading(body: dict[str, Any], provider: str) -> ProviderAnswer | str | None:
    try:
        return read_answer(body, provider)
    except InconsistentTokenCounts as refusal:
        return str(refusal)


def _body(name: str, more_at: Sequence[Step] = ()) -> dict[str, Any]:
    """An answer with a number of its own on every path; one more on that at `more_at`."""
    _, extractor = EXTRACTORS[name]
    body: dict[str, Any] = {}
    _put(body, _steps(extractor.model_path), "some-model")
    for place, mapping in enumerate(extractor.mappings):
        steps = _steps(mapping.path)
        _put(body, [*_steps(extractor.root), *steps], _number(steps, place) + (steps == more_at))
        if mapping.dest == "input_annotated_document_pages":
            body["document_annotation"] = "{}"
    if name in TOTAL_DECIDES:
        body["usage"]["total_tokens"] = sum(body["usage"][total] for total in TOTALS if total in body["usage"])
    return body


def _number(steps: Sequence[Step], place: int) -> int:
    """Totals are the largest, then cache writes and reads, then modalities, then what is cached of them."""
    names = [step if isinstance(step, str) else str(getattr(step.match, "equals", "")) for step in steps]
    for name in names:
        if name in WRITTEN:
            return WRITTEN[name]
    if names[-1] in TOTALS:
        return 100_000 + place
    if names[0] == "cacheTokensDetails" or "cached_tokens_details" in names:
        return 10 + place
    return (5_000 if "cache" in names[-1] else 200) + place


def _put(whole: dict[str, Any], steps: Sequence[Step], value: object) -> None:
    """Puts the value where the path leads, and on the way what the path asks for."""
    inside: Any = whole
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(step, ArrayMatch):
            assert isinstance(step.match, ClauseEquals)
            wanted = {step.field: step.match.equals}
            if not (found := [each for each in inside if wanted.items() <= each.items()]):
                inside.append(wanted)
                found = [wanted]
            inside = found[0]
        elif following is None:
            inside[step] = value
        else:
            inside = inside.setdefault(step, [] if isinstance(following, ArrayMatch) else {})


def _steps(path: str | Sequence[Step]) -> list[Step]:
    return [path] if isinstance(path, str) else list(path)
