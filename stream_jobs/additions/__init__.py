"""What we add to the catalogue: multipliers, display names and free marks, one reviewed file per provider."""

from stream_jobs.additions.addition import Addition
from stream_jobs.additions.errors import AdditionsRefused
from stream_jobs.additions.rows import multiplier_rows, with_additions, with_fitting, with_new_multipliers
from stream_jobs.additions.shipped import shipped_additions

__all__ = [
    "Addition",
    "AdditionsRefused",
    "multiplier_rows",
    "shipped_additions",
    "with_additions",
    "with_fitting",
    "with_new_multipliers",
]
