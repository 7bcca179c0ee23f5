"""Whether price rows can be right: rows with their places in, every problem with its place and cure out.

Each row is looked at alone, then the rows of a model together: nothing may be said twice, and no token, no hour of
the day and no length of context may fall between two prices.
"""

import difflib
import json
import reprlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from stream_jobs.pricing.errors import PriceListRefused, printable
from stream_jobs.pricing.gap_checks import ENDS_NOTHING, gap_problems
from stream_jobs.pricing.match import predicate
from stream_jobs.pricing.model_checks import model_problems
from stream_jobs.pricing.plausible import out_of_bounds
from stream_jobs.pricing.price_row import ALWAYS, FREE, LAST, MAX_TIER_START, NO_RATES, SERVICE_TIERS, PriceRow
from stream_jobs.pricing.rate_card import MAX_PLACES, MAX_PRICE_USD
from stream_jobs.pricing.time_of_day import time_of_day
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY
from tokentally.fields import CONTROL_CHARACTERS


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row and where its file has it: a line, or a path into JSON."""

    place: str
    row: PriceRow


def problems_of(placed: Sequence[PlacedRow], ended: Sequence[PlacedRow] = ()) -> list[str]:
    """A sentence for each thing that is wrong; none when the rows can be applied.

    The rows of a model are compared only when each of them can be right: a wrong number would show up twice.
    ended: units that have no price from a date on, as the file says.
    """
    problems: list[str] = []
    models: dict[tuple[str, str, str], list[PlacedRow]] = {}
    wrong: set[tuple[str, str, str]] = set()
    for item in placed:
        model = _owner(item.row)
        models.setdefault(model, []).append(item)
        for problem in row_problems(item.row):
            problems.append(f"{item.place}: {problem}")
            wrong.add(model)
    for model, items in models.items():
        if model not in wrong:
            rows = [(item.place, item.row) for item in items]
            ends = [(end.place, end.row) for end in ended if _owner(end.row) == model]
            between = (*model_problems(rows), *gap_problems(rows, ends))
            problems.extend(f"{place}: {problem}" for place, problem in between)
    known = set(models)
    problems += [f"{end.place}: {ENDS_NOTHING}" for end in ended if _owner(end.row) not in known]
    return problems


def _owner(row: PriceRow) -> tuple[str, str, str]:
    return row.organization, row.provider, row.model


def row_problems(row: PriceRow) -> Iterator[str]:
    """What is wrong with a row by itself, with the cure."""
    yield from _text_problems(row)
    if not row.provider:
        yield "it names no provider; write the one whose price it is"
    if not 0 <= row.tier_start <= MAX_TIER_START:
        yield f"a tier from {row.tier_start} tokens; a tier starts at 0 or more, and at most at {MAX_TIER_START:,}"
    if not ALWAYS <= row.effective_from < LAST:
        yield f"it holds from {row.effective_from:%Y-%m-%d} on; prices begin from 1970 to 2105"
    if row.service_tier and row.service_tier not in SERVICE_TIERS:
        yield f"service tier {row.service_tier!r}; write {', '.join(SERVICE_TIERS)}, or nothing for the standard one"
    yield from _window_problems(row)
    yield from _match_problems(row)
    if row.unit in (FREE, NO_RATES):
        yield from _mark_problems(row)
    else:
        yield from _unit_problems(row)
        yield from _price_problems(row)


def _text_problems(row: PriceRow) -> Iterator[str]:
    """No event can name what these have in their names, and UTF-8 cannot hold halves of characters anywhere."""
    for what in ("provider", "model"):
        if CONTROL_CHARACTERS.search(getattr(row, what)):
            yield f"{what} {getattr(row, what)!r} has a control character or half of a character; take it out"
    others = ["organization", "match", "source", *(["display_name"] if row.display_name != row.model else [])]
    for what in others:
        if printable(getattr(row, what)) != getattr(row, what):
            yield f"{what} {getattr(row, what)!r} has half of a character; write it whole, or take it out"


def _mark_problems(row: PriceRow) -> Iterator[str]:
    """Marks hold for all usage, so they count nothing."""
    word = row.unit or "none"
    if row.price_usd != 0:
        yield f"{word} with a price of {row.price_usd} USD; leave the price out, or name its unit"
    if not 0 < row.per <= MAX_TIER_START:
        yield f"{word} for {row.per} units; leave the number out"


def _unit_problems(row: PriceRow) -> Iterator[str]:
    unit = UNITS_BY_PRICE_KEY.get(row.unit)
    if not row.model:
        yield f"{row.unit} has a price but no model; prices are those of models"
    if unit is None:
        near = difflib.get_close_matches(row.unit, [*UNITS_BY_PRICE_KEY, FREE], n=1)
        cure = f"did you mean {near[0]}?" if near else f"units are {', '.join(UNITS_BY_PRICE_KEY)}"
        yield f"there is no unit {row.unit!r}; {cure}"
    elif row.per != unit.per:
        yield f"{row.unit} is for {row.per:,} units; give its price for {unit.per:,}"


def _price_problems(row: PriceRow) -> Iterator[str]:
    price = row.price_usd
    if not price.is_finite():
        yield f"{row.unit} is {price}; write a number of USD"
    elif price < 0:
        yield f"{row.unit} is {price:f} USD; a price is 0 or more"
    elif price >= MAX_PRICE_USD:
        yield f"{row.unit} is {price:f} USD; it must be below {MAX_PRICE_USD:,}"
    elif Fraction(price) * 10**MAX_PLACES % 1:
        yield f"{row.unit} is {price:f} USD; round it to {MAX_PLACES} decimal places"
    elif odd := out_of_bounds(row):
        yield f"{odd} Correct it, or leave {row.provider}/{row.model} out"


def _window_problems(row: PriceRow) -> Iterator[str]:
    if bool(row.daily_from) != bool(row.daily_to):
        yield "a daily window with one end; write both, as HH:MM:SS in UTC"
        return
    for text in filter(None, (row.daily_from, row.daily_to)):
        if not _is_time_of_day(text):
            yield f"{text!r} is no time of day; write HH:MM:SS in UTC"
            return
    if row.daily_from and row.daily_from == row.daily_to:
        yield f"a daily window from {row.daily_from} to {row.daily_to} is empty; leave both out for all day"


def _is_time_of_day(text: str) -> bool:
    try:
        return time_of_day(text) == text
    except ValueError:
        return False


def _match_problems(row: PriceRow) -> Iterator[str]:
    if not row.match:
        return
    try:
        rules = json.loads(row.match)
        clauses = [rules["model"]] if row.model else [rules.get(of) for of in ("provider", "model")]
        for clause in clauses:
            if row.model or clause is not None:  # a provider may have no rule, a model is found by one
                predicate(clause)
    except PriceListRefused as problem:
        yield str(problem)
    except RecursionError:
        yield "matching rule of objects that lie in one another too deeply; write it flat"
    except (ValueError, KeyError, TypeError, AttributeError):
        yield f'matching rule {reprlib.repr(row.match)} is not JSON such as {{"model": {{"starts_with": "gpt-4o"}}}}'
