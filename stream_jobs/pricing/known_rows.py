"""Prices that stand under another spelling of a provider: one owner's rows in, the same under the known names out.

Whoever sets or imports a price is taken to mean the known provider. Revisions from before that was so have such rows:
read as providers of their own they would hide all other prices of the one that is meant.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from stream_jobs.pricing.editing.dated_sheet import DatedSheet, dated_sheets, inserted
from stream_jobs.pricing.editing.placing import names_one, numbered
from stream_jobs.pricing.price_row import ANY_MODEL, PriceRow
from stream_jobs.pricing.providers import Providers
from stream_jobs.pricing.rate_checks import rate_problems


def under_known_names(rows: Sequence[PriceRow], known: Providers | None = None) -> Sequence[PriceRow]:
    """The rows, given in their order, each under its provider's id; themselves where all are.

    known: providers beside those of the rows. Where a model has prices under two names, the dated ones stand beside
    each other, and of two prices for the same thing that under the other spelling holds: it was set on purpose.
    Raises PriceListRefused for a rule of no known kind.
    """
    providers = Providers(rows) if known is None else known.with_rows(rows)
    names = dict.fromkeys(row.provider for row in rows)
    ids = {name: called for name in names if (called := providers.called(name)) != name}
    if not ids:
        return rows
    made = [row for row in rows if row.provider not in ids]
    groups: dict[tuple[str, str], list[PriceRow]] = {}
    for row in rows:
        if row.provider in ids:
            groups.setdefault((row.provider, row.model), []).append(replace(row, provider=ids[row.provider]))
    for group in groups.values():
        made = _with_model(made, group)
    return numbered(made)


def _with_model(rows: list[PriceRow], group: Sequence[PriceRow]) -> list[PriceRow]:
    """The rows with those of one model, or of a provider's rules, which stay as they are where there are some."""
    first = group[0]
    places = [place for place, row in enumerate(rows) if (row.provider, row.model) == (first.provider, first.model)]
    if places and not first.model:
        return rows
    if places:
        taken = set(places)
        merged = _merged([rows[place] for place in places], group)
        behind = [row for place, row in enumerate(rows) if place > places[0] and place not in taken]
        return [*rows[: places[0]], *merged, *behind]
    where = _where(rows, first)
    return [*rows[:where], *group, *rows[where:]]


def _where(rows: Sequence[PriceRow], first: PriceRow) -> int:
    """A new model stands before its provider's others when only its name finds it; else behind, before the default."""
    provider = [place for place, row in enumerate(rows) if row.provider == first.provider]
    models = [place for place in provider if rows[place].model]
    if not provider:
        return len(rows)
    if not first.model:
        return provider[0]
    if models and first.model != ANY_MODEL and names_one(first):
        return models[0]
    named = [place for place in provider if first.model == ANY_MODEL or rows[place].model != ANY_MODEL]
    return named[-1] + 1 if named else provider[0]


def _merged(known: Sequence[PriceRow], others: Collection[PriceRow]) -> list[PriceRow]:
    """One model's rows: those under its provider's id, and over them those under another spelling."""
    first, sheets = known[0], dated_sheets(known)
    alike = [replace(row, match=first.match, display_name=first.display_name) for row in others]
    for sheet in dated_sheets(alike):
        same = next((each for each in sheets if each.place == sheet.place), None)
        sheets = inserted(sheets, sheet if same is None else _laid_over(same, sheet))
    return [row for sheet in sheets for row in sheet.rows]


def _laid_over(known: DatedSheet, other: DatedSheet) -> DatedSheet:
    """Both prices of one time. What would not fit together is left as it is known."""
    if not (known.rates and other.rates):
        return other
    units = {row.unit for row in other.rows}
    both = DatedSheet((*(row for row in known.rows if row.unit not in units), *other.rows))
    return known if any(rate_problems([("", row) for row in both.rows])) else both
