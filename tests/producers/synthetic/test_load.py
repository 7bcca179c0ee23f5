"""Benchmark frames have the contract's columns, the promised cardinalities, and go where the partition rule says."""

import polars as pl
import pytest
from genai_prices.data import providers

from producers.envelopes.columns import COLUMNS, NULLABLE
from producers.synthetic.load import FEATURES, MODELS, frames
from tokentally.partition import partition_of

EVENTS = 60_000
PARTITIONS = 8


@pytest.fixture(scope="module")
def drawn() -> list[tuple[int, pl.DataFrame]]:
    return list(frames(1, EVENTS, PARTITIONS))


@pytest.fixture(scope="module")
def whole(drawn: list[tuple[int, pl.DataFrame]]) -> pl.DataFrame:
    return pl.concat([frame for _, frame in drawn])


def test_frames_hold_the_asked_number_of_events_in_full_envelopes(drawn: list[tuple[int, pl.DataFrame]]) -> None:
    sizes = [len(frame) for _, frame in drawn]
    assert sum(sizes) == EVENTS
    assert max(sizes) == 1_000
    assert sum(size < 1_000 for size in sizes) <= PARTITIONS


def test_organizations_are_in_their_partition(drawn: list[tuple[int, pl.DataFrame]]) -> None:
    for partition, frame in drawn:
        assert {partition_of(name, PARTITIONS) for name in frame["organization"].unique()} == {partition}


def test_the_columns_are_those_of_a_decoded_envelope(whole: pl.DataFrame) -> None:
    assert whole.schema == COLUMNS
    assert {name for name, nulls in whole.null_count().row(0, named=True).items() if nulls} <= set(NULLABLE)


def test_cardinalities(whole: pl.DataFrame) -> None:
    assert whole["organization"].n_unique() == 200
    assert whole["model"].n_unique() == len(set(MODELS)) == 40
    assert whole["feature"].n_unique() == len(FEATURES) == 30
    assert whole["user_id"].n_unique() > 5_000
    largest = whole["organization"].value_counts()["count"].max()
    assert isinstance(largest, int)
    assert largest > EVENTS / 20


def test_one_event_in_a_hundred_is_repeated_within_its_organization(whole: pl.DataFrame) -> None:
    repeats = EVENTS - whole["event_id"].n_unique()
    assert 0.007 < repeats / EVENTS < 0.013
    assert len(whole.unique(["organization", "time", "event_id"])) == EVENTS - repeats


def test_two_events_in_a_hundred_are_late_and_the_rest_spans_half_an_hour(whole: pl.DataFrame) -> None:
    newest = whole["time"].max()
    late = whole.filter(pl.col("time") < pl.lit(newest) - pl.duration(minutes=30, seconds=1))
    assert 0.015 < len(late) / EVENTS < 0.025
    assert late.filter(pl.col("time") < pl.lit(newest) - pl.duration(hours=25)).is_empty()


def test_ids_are_of_version_7(whole: pl.DataFrame) -> None:
    assert whole.filter(pl.col("event_id").bin.size() != 16).is_empty()
    assert all(event_id[6] >> 4 == 7 and event_id[8] >> 6 == 0b10 for event_id in whole["event_id"][:100])


def test_every_model_is_in_the_catalogue() -> None:
    catalogue = {provider.id: provider for provider in providers}
    assert [name for provider, name in MODELS if catalogue[provider].find_model(name) is None] == []


def test_the_same_seed_gives_the_same_frames(drawn: list[tuple[int, pl.DataFrame]]) -> None:
    partition, frame = next(frames(1, EVENTS, PARTITIONS))
    assert (partition, frame.rows()) == (drawn[0][0], drawn[0][1].rows())
    assert next(frames(2, EVENTS, PARTITIONS))[1].rows() != drawn[0][1].rows()
