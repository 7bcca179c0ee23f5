"""Keys tell organisations and ids apart, exactly."""

import polars as pl

from stream_jobs.deduplication.keys import KeyMaker


def test_the_same_id_in_two_organizations_is_two_keys() -> None:
    ids = pl.Series([bytes(16), bytes(16), b"\x01" * 16], dtype=pl.Binary)
    first, second, third = KeyMaker().keys(pl.Series(["a", "b", "a"]), ids)
    assert len({first, second, third}) == 3


def test_a_key_stays_the_same_over_batches() -> None:
    maker, ids = KeyMaker(), pl.Series([bytes(16)], dtype=pl.Binary)
    before = maker.keys(pl.Series(["b"]), ids)
    maker.keys(pl.Series(["c"]), ids)
    assert maker.keys(pl.Series(["b"]), ids) == before
