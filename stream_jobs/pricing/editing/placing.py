"""Where rows stand in a price list: matching depends on the order of models, precedence on that of a model's sheets."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from stream_jobs.pricing.price_row import ANY_MODEL, PriceRow

MATCH_ANY = json.dumps({"model": {"contains": ""}})


def numbered(rows: Iterable[PriceRow]) -> list[PriceRow]:
    """The rows with positions that say their order."""
    return [replace(row, position=position) for position, row in enumerate(rows)]


def placed(rows: Sequence[PriceRow], model_rows: Sequence[PriceRow]) -> list[PriceRow]:
    """The list with these rows of one model in the place of those it has.

    A model that is new stands before its provider's others, whose patterns might find it; the catch-all after them.
    """
    first = model_rows[0]
    name = (first.provider, first.model)
    where = next((place for place, row in enumerate(rows) if (row.provider, row.model) == name), None)
    if where is None:
        own = [place for place, row in enumerate(rows) if row.provider == first.provider and row.model]
        where = len(rows) if not own else own[-1] + 1 if first.model == ANY_MODEL else own[0]
        return numbered([*rows[:where], *model_rows, *rows[where:]])
    others = [row for row in rows[where:] if (row.provider, row.model) != name]
    return numbered([*rows[:where], *model_rows, *others])


def names_one(row: PriceRow) -> bool:
    """Whether the row's model is found by plain equality only, so that it may stand before patterns."""
    if not row.match:
        return True
    clause = json.loads(row.match).get("model") or {}
    return all(set(each) == {"equals"} for each in clause.get("or", [clause]))
