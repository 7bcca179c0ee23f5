"""Texts keep one code as long as somebody holds them."""

from collections import Counter

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_jobs.keys.texts import Texts

words = st.sampled_from(["", "a", "b", "é", "a text that is longer than twelve bytes", "another of the long texts"])


@given(steps=st.lists(st.tuples(st.booleans(), st.lists(words, min_size=1, max_size=6))))
@settings(max_examples=200, deadline=None)
def test_a_code_leads_back_to_its_text_until_the_last_holder_lets_go(steps: list[tuple[bool, list[str]]]) -> None:
    texts, held = Texts(), Counter[str]()
    for holding, named in steps:
        if holding:
            texts.hold(texts.codes(pl.Series(named)))
            held.update(named)
        else:
            gone = list((Counter(named) & held).elements())
            texts.release(texts.codes(pl.Series(gone, dtype=pl.String)))
            held -= Counter(gone)
        everything = pl.Series(list(held), dtype=pl.String)
        codes = texts.codes(everything)
        assert len(texts) == len(held) == len(set(codes.tolist()))
        assert texts.series(codes).to_list() == everything.to_list()


def test_a_hash_depends_on_the_texts_alone() -> None:
    left, right = Texts(), Texts()
    right.codes(pl.Series(["x", "b"]))
    pairs = [pl.Series(["a", "b", "a"]), pl.Series(["b", "a", "a"])]
    hashes = [t.hashes(np.column_stack([t.codes(series) for series in pairs])).tolist() for t in (left, right)]
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) == 3
