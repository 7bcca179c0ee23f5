"""Whether the prices of one model fit together: its rows with their places in, overlaps, gaps and ambiguities out."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from itertools import pairwise
from typing import Final

from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow
from stream_jobs.pricing.rate_checks import Placed, Problem, rate_problems, service_tier_problems

_DAY_SECONDS: Final = 86_400


def model_problems(rows: Sequence[Placed], everyones: Iterable[PriceRow] | None = None) -> Iterator[Problem]:
    """What is wrong between the rows of one owner's model, given in their order.

    everyones: those that hold for all, where the owner is an organization. None: the rows are a list's, which may be
    laid over others, so hours and contexts that they leave without a price are no problem yet.
    """
    is_part = everyones is None
    repeats = list(_repeats(rows))
    yield from repeats
    by_service: dict[str, list[Placed]] = {}
    for placed in rows:
        by_service.setdefault(placed[1].service_tier, []).append(placed)
    for service_tier, of_service in by_service.items():
        yield from _hidden_dates(of_service)
        yield from _hidden_windows(of_service)
        yield from _window_overlaps(of_service)
        for sheet in _sheets(of_service):
            yield from _mark_problems(sheet)
        if service_tier:  # what it leaves out costs as much as in the standard one
            yield from () if repeats else service_tier_problems(rows, service_tier, is_part=is_part)
        else:
            yield from () if everyones is None else _window_gaps(of_service, everyones)
            for sheet in _sheets(of_service):
                yield from rate_problems(sheet, is_part=is_part)


def _repeats(rows: Sequence[Placed]) -> Iterator[Problem]:
    """Overlap of two prices for the same thing at the same time."""
    seen: dict[object, str] = {}
    for place, row in rows:
        key = (row.service_tier, row.effective_from, row.daily_from, row.daily_to, row.unit, row.tier_start)
        if key in seen:
            first = "" if seen[key] == place else f", first at {seen[key]}"
            yield place, f"a second price of {_named(row)} from {_said(row.effective_from)}{first}; keep one"
        seen.setdefault(key, place)


def _hidden_dates(rows: Sequence[Placed]) -> Iterator[Problem]:
    """Of two sheets for the same hours the later one in the list holds, so a later date must follow an earlier one."""
    by_hours = sorted(rows, key=lambda placed: (placed[1].daily_from, placed[1].daily_to))
    for (first_place, first), (place, row) in pairwise(by_hours):
        if (row.daily_from, row.daily_to) != (first.daily_from, first.daily_to):
            continue
        if row.effective_from < first.effective_from:
            yield (
                place,
                f"the price from {_said(row.effective_from)} stands after the one from {_said(first.effective_from)}"
                f" ({first_place}) and would hide it; order the prices of {row.provider}/{row.model} by date",
            )


def _hidden_windows(rows: Sequence[Placed]) -> Iterator[Problem]:
    """A window above a price for the whole day that begins no later: it would never hold."""
    told: set[object] = set()
    for number, (place, row) in enumerate(rows):
        window = (row.effective_from, row.daily_from, row.daily_to)
        if not row.daily_from or window in told:
            continue
        hides = (below for below in rows[number + 1 :] if not below[1].daily_from)
        for below_place, below in hides:
            if below.effective_from <= row.effective_from:
                told.add(window)
                yield (
                    place,
                    f"the daily window stands above the price for the whole day from {_said(below.effective_from)}"
                    f" ({below_place}), which would hide it; move it below",
                )
                break


def _window_overlaps(rows: Sequence[Placed]) -> Iterator[Problem]:
    """Two windows of some common hours, both in force where the later one begins."""
    found: dict[tuple[datetime, tuple[int, int]], tuple[int, str]] = {}
    whole_days = [(number, row.effective_from) for number, (_, row) in enumerate(rows) if not row.daily_from]
    for number, (place, row) in enumerate(rows):
        if not row.daily_from:
            continue
        window = (row.effective_from, _seconds_of(row))
        if window in found:
            continue
        for (start, hours), (first, first_place) in found.items():
            both_from = max(start, row.effective_from)
            has_ended = any(later > first and begun <= both_from for later, begun in whole_days)
            if hours != window[1] and not has_ended and _share_hours(hours, window[1]):
                yield (
                    place,
                    f"two daily windows of this model overlap, this one and that of {first_place}; give each hour of"
                    " the day one price (a price for the whole day, below it in the list, ends a window)",
                )
                break
        found[window] = (number, place)


def _share_hours(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return any(second[0] < first[1] for first, second in pairwise(_parts((one, other))))


def _window_gaps(rows: Sequence[Placed], everyones: Iterable[PriceRow]) -> Iterator[Problem]:
    """Daily windows that do not fill the day need a price for the rest of it."""
    known = (*(row for _, row in rows), *(row for row in everyones if not row.service_tier))
    whole_day_from = min((row.effective_from for row in known if not row.daily_from), default=None)
    for start, windows in _windows(rows):
        covered = sum(end - begin for begin, end in _parts(windows))
        if covered < _DAY_SECONDS and (whole_day_from is None or whole_day_from > start):
            place = next(iter(windows.values()))
            yield place, "the daily windows leave hours without a price; add one for the whole day"


def _mark_problems(sheet: Sequence[Placed]) -> Iterator[Problem]:
    marks = [placed for placed in sheet if placed[1].unit in (FREE, NO_RATES)]
    if marks and len(sheet) > 1:
        place, row = marks[0]
        yield place, f"{_named(row)} stands beside other prices of the same time; keep the prices or the mark"


def _sheets(rows: Sequence[Placed]) -> list[list[Placed]]:
    sheets: dict[object, list[Placed]] = {}
    for placed in rows:
        row = placed[1]
        sheets.setdefault((row.effective_from, row.daily_from, row.daily_to), []).append(placed)
    return list(sheets.values())


def _windows(rows: Sequence[Placed]) -> Iterator[tuple[datetime, dict[tuple[int, int], str]]]:
    """The daily windows of each date, in seconds of the day, and where each is first named."""
    by_date: dict[datetime, dict[tuple[int, int], str]] = {}
    for place, row in rows:
        if row.daily_from:
            windows = by_date.setdefault(row.effective_from, {})
            windows.setdefault(_seconds_of(row), place)
    yield from by_date.items()


def _parts(windows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    return sorted(part for window in windows for part in _within_a_day(*window))


def _within_a_day(start: int, end: int) -> list[tuple[int, int]]:
    """A window as parts of one day: two when it crosses midnight."""
    if start < end:
        return [(start, end)]
    return [(start, _DAY_SECONDS), *([(0, end)] if end else [])]


def _seconds_of(row: PriceRow) -> tuple[int, int]:
    return _seconds(row.daily_from), _seconds(row.daily_to)


def _seconds(text: str) -> int:
    moment = time.fromisoformat(text)
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _named(row: PriceRow) -> str:
    tier = f" above {row.tier_start:,} tokens" if row.tier_start else ""
    service = f" ({row.service_tier})" if row.service_tier else ""
    return f"{row.provider}/{row.model} {row.unit or 'without rates'}{tier}{service}"


def _said(moment: datetime) -> str:
    return "the beginning" if moment.timestamp() == 0 else moment.strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")
