"""A newer catalogue over the shipped one: names and free marks of ours outlast it."""

from stream_jobs.additions import shipped_additions, with_additions
from stream_jobs.additions.listed import with_shipped
from stream_jobs.pricing.catalogue import SOURCE, catalogue_rows
from stream_jobs.pricing.editing.difference import difference
from stream_jobs.pricing.editing.listed import Replaces, with_list
from stream_jobs.pricing.imports import PriceList


def test_importing_the_catalogue_over_the_first_revision_changes_nothing() -> None:
    first = with_additions(catalogue_rows(), shipped_additions())
    listed = with_shipped(PriceList(tuple(catalogue_rows()), SOURCE))
    for replaces in Replaces:
        assert difference(first, with_list(first, listed.rows, replaces)).is_nothing
    assert listed.notes == ("Our own display names and free marks stay",)


def test_lists_of_others_say_only_what_they_say() -> None:
    listed = PriceList(tuple(catalogue_rows()), "LiteLLM prices.json")
    assert with_shipped(listed) is listed
