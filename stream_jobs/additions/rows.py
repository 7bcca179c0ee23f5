"""Additions as the warehouse keeps them: multiplier rows of their own, and price rows that say more."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from stream_jobs.additions.addition import Addition
from stream_jobs.additions.errors import AdditionsRefused
from stream_jobs.credits.editing import multiplier_key
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow

SOURCE = "additions"


def multiplier_rows(additions: Iterable[Addition]) -> list[MultiplierRow]:
    """A row for each model of each item with a multiplier, in their order."""
    return [
        MultiplierRow(
            one.provider, model, one.multiplier_milli, SOURCE, note=one.name, effective_from=one.effective_from
        )
        for one in additions
        if one.multiplier_milli is not None
        for model in one.models or ("",)
    ]


def with_new_multipliers(rows: Sequence[MultiplierRow], additions: Iterable[Addition]) -> list[MultiplierRow]:
    """Everyone's multipliers with those of the additions that they say nothing of: of that model from that date on."""
    known = {multiplier_key(row) for row in rows}
    new = [row for row in multiplier_rows(additions) if multiplier_key(row) not in known]
    return sorted([*rows, *new], key=multiplier_key) if new else list(rows)


def with_additions(rows: Sequence[PriceRow], additions: Iterable[Addition]) -> list[PriceRow]:
    """The price rows with our display names and free marks; a mark from a date on becomes a sheet of its own.

    Of several display names of a model the last holds. Raises AdditionsRefused for a model that the catalogue does not
    have, and for a free mark on one that it prices.
    """
    said = list(additions)
    by_model = _by_model(rows)
    problems = [problem for one in said for problem in _problems(one, by_model)]
    if problems:
        raise AdditionsRefused(*problems)
    return with_fitting(rows, said)


def with_fitting(rows: Sequence[PriceRow], additions: Iterable[Addition]) -> list[PriceRow]:
    """The same for any list: models that it lacks, and marks on models that it prices, are left out.

    Rows that have the additions already stay as they are.
    """
    said = list(additions)
    names = {(one.provider, model): one.display_name for one in said if one.display_name for model in one.models}
    marks: dict[tuple[str, str], list[Addition]] = {}
    for one in said:
        for model in one.models if one.free is not None else ():
            marks.setdefault((one.provider, model), []).append(one)
    by_model = _by_model(rows)
    marked = {key: _marked(by_model[key], of_model) for key, of_model in marks.items() if key in by_model}
    made: list[PriceRow] = []
    for key, row in (((row.provider, row.model), row) for row in rows):
        made.extend(marked.pop(key, []) if key in marks else [row])
    return [
        replace(row, position=position, display_name=names.get((row.provider, row.model), row.display_name))
        for position, row in enumerate(made)
    ]


def _marked(rows: Sequence[PriceRow], marks: Sequence[Addition]) -> Sequence[PriceRow]:
    """A model's rows with the marks in the order of their dates; as they are where it has prices."""
    others = [row for row in rows if not row.source.startswith(f"{SOURCE}: ")]
    if any(row.unit not in (FREE, NO_RATES) for row in others):
        return rows
    pattern = replace(rows[0], price_usd=Decimal(0), per=1, daily_from="", daily_to="", service_tier="")
    made = [
        replace(
            pattern,
            unit=FREE if mark.free else NO_RATES,
            effective_from=mark.effective_from,
            source=f"{SOURCE}: {mark.place}",
        )
        for mark in marks
    ]
    by_time = {(row.effective_from, row.daily_from, row.daily_to, row.service_tier): row for row in (*others, *made)}
    return sorted(by_time.values(), key=lambda row: row.effective_from)


def _by_model(rows: Iterable[PriceRow]) -> dict[tuple[str, str], list[PriceRow]]:
    by_model: dict[tuple[str, str], list[PriceRow]] = {}
    for row in rows:
        by_model.setdefault((row.provider, row.model), []).append(row)
    return by_model


def _problems(one: Addition, by_model: dict[tuple[str, str], list[PriceRow]]) -> list[str]:
    problems: list[str] = []
    for model in one.models:
        rows = by_model.get((one.provider, model))
        if rows is None:
            problems.append(f"{one.place}: the catalogue has no model {model!r} of {one.provider}; correct its id")
        elif one.free is not None and any(row.unit not in (FREE, NO_RATES) for row in rows):
            problems.append(f"{one.place}: {one.provider}/{model} has prices; a free mark would contradict them")
    return problems
