"""A newer catalogue with our additions: a price list in; the same with our display names and free marks out."""

from dataclasses import replace

from stream_jobs.additions.rows import with_fitting
from stream_jobs.additions.shipped import shipped_additions
from stream_jobs.pricing.editing.source_family import family
from stream_jobs.pricing.imports import PriceList
from stream_jobs.pricing.imports.genai_prices_json import NAME


def with_shipped(listed: PriceList) -> PriceList:
    """The catalogue as a new installation would have it; a list of another format as it is.

    Raises AdditionsRefused when a file of additions cannot be right.
    """
    if family(listed.source) != NAME:
        return listed
    rows = tuple(with_fitting(listed.rows, shipped_additions()))
    if rows == listed.rows:
        return listed
    return replace(listed, rows=rows, places=(), notes=(*listed.notes, "Our own display names and free marks stay"))
