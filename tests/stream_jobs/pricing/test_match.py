"""The catalogue's matching clauses, and finding the first of many that fits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.match import MAX_NESTED, FirstMatch, predicate


@pytest.mark.parametrize(
    ("clause", "fits", "does_not"),
    [
        ({"equals": "GPT-4o"}, "gpt-4o", "gpt-4o-mini"),
        ({"starts_with": "Claude"}, "claude-3", "a-claude"),
        ({"ends_with": ":free"}, "llama:free", "llama"),
        ({"contains": "Gemini"}, "models/gemini-2", "gemma"),
        ({"regex": "^o[134]($|-)"}, "o3-mini", "o32"),
        ({"or": [{"equals": "a"}, {"equals": "b"}]}, "b", "c"),
        ({"and": [{"starts_with": "a"}, {"ends_with": "z"}]}, "abz", "ab"),
    ],
)
def test_a_clause_fits_lower_case_text(clause: dict[str, Any], fits: str, does_not: str) -> None:
    assert predicate(clause)(fits)
    assert not predicate(clause)(does_not)
    assert FirstMatch([clause]).find(fits) == 0
    assert FirstMatch([clause]).find(does_not) is None


@pytest.mark.parametrize(
    "clause",
    [
        *({}, {"like": "x"}, {"equals": 1}, {"regex": "("}, {"or": "x"}, {"equals": "a", "contains": "b"}),
        *(None, [], "gpt-4o", 5, {"or": [{"equals": "a"}, {"and": [None]}]}, {"regex": "(" * 9000}),
    ],
)
def test_a_clause_of_no_known_kind_is_refused(clause: object) -> None:
    with pytest.raises(PriceListRefused, match="matching rule"):
        predicate(clause)


def test_a_clause_is_followed_so_deep_and_no_further() -> None:
    clause: dict[str, Any] = {"equals": "a"}
    for _ in range(MAX_NESTED):
        clause = {"or": [clause]}
    assert predicate(clause)("a")
    for _ in range(2000):
        clause = {"and": [clause]}
    with pytest.raises(PriceListRefused, match="more than 50 `or` and `and` in one another; write it flat"):
        predicate(clause)


_TEXT = st.text("ab", min_size=1, max_size=3)
_CLAUSE = st.recursive(
    st.builds(
        lambda kind, text: {kind: text}, st.sampled_from(["equals", "starts_with", "ends_with", "contains"]), _TEXT
    ),
    lambda parts: st.builds(
        lambda kind, clauses: {kind: clauses}, st.sampled_from(["or", "and"]), st.lists(parts, min_size=1, max_size=3)
    ),
    max_leaves=4,
)


@given(clauses=st.lists(_CLAUSE, max_size=8), text=_TEXT)
def test_the_indexed_search_finds_what_trying_all_in_order_finds(clauses: list[dict[str, Any]], text: str) -> None:
    first = next((index for index, clause in enumerate(clauses) if predicate(clause)(text)), None)
    assert FirstMatch(clauses).find(text) == first
