"""Which states a worker holds: those that partitions and open jobs need, made from each other."""

from decimal import Decimal

import pytest

from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.errors import RevisionMissing
from stream_jobs.worker.books import FIRST, Books


def book(revision: int) -> PriceBook:
    row = PriceRow("maker", "large", "Large", "", "input_mtok", Decimal(revision), 1_000_000, 0, "test")
    return PriceBook.from_rows([row], revision=revision)


def multipliers(revision: int) -> MultiplierTable:
    return MultiplierTable.from_rows([], revision=revision)


def loading() -> Books:
    books = Books.of(book(1), multipliers(1))
    books.load_prices, books.load_multipliers = book, multipliers
    return books


def test_what_neither_partitions_nor_jobs_need_is_forgotten() -> None:
    books = loading()
    books.need([2, 3, 4, 5], [2, 3])
    books.for_jobs([3], [FIRST])
    books.forget_others([5, FIRST], [3])
    assert sorted(books.prices) == [FIRST, 3, 5]
    assert sorted(books.multipliers) == [FIRST, 3]
    books.for_jobs([], [])
    books.forget_others([5], [FIRST])
    assert sorted(books.prices) == [FIRST, 5]
    assert sorted(books.multipliers) == [FIRST]


def test_what_was_forgotten_is_loaded_again_for_whoever_needs_it() -> None:
    books = loading()
    books.need([2], [2])
    books.forget_others([], [])
    prices, table = books.needed(2, FIRST)
    assert (prices.revision, table.revision) == (2, 1)
    assert books.needed(2, FIRST)[0] is prices


def test_what_cannot_be_loaded_is_missing() -> None:
    with pytest.raises(RevisionMissing, match="prices 2"):
        Books.of(book(1), multipliers(1)).needed(2, FIRST)
