"""When rates hold: one model's price rows and a service tier in, its dated and time-of-day sheets out, in order of
precedence.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Final

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow
from stream_jobs.pricing.rate_card import RateCard, rate_cards
from stream_jobs.pricing.units import WHOLE_UNITS

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cards that hold from an instant on, inside a daily window (all day: length DAY_MS)."""

    from_ms: int
    daily_from_ms: int
    daily_length_ms: int
    cards: tuple[RateCard, ...]
    """By ascending tier; the first is the base."""
    price_list: str = ""
    """Whose prices they are: the organization that has any of them as its own, "" for everyone."""

    def is_active(self, time_ms: int) -> bool:
        """Whether the sheet may apply to a call at this instant (Unix milliseconds)."""
        return self.from_ms <= time_ms and (time_ms - self.daily_from_ms) % DAY_MS < self.daily_length_ms


@dataclass(frozen=True, slots=True)
class _Dated:
    """The rows that hold from an instant on, inside a daily window."""

    from_ms: int
    daily_from_ms: int
    daily_length_ms: int
    rows: tuple[PriceRow, ...]

    @property
    def is_always(self) -> bool:
        return self.from_ms <= 0 and self.daily_length_ms == DAY_MS

    @property
    def is_end(self) -> bool:
        return self.rows[0].unit == NO_RATES

    def sheet(self) -> Sheet:
        price_list = next((row.organization for row in self.rows if row.organization), "")
        return Sheet(self.from_ms, self.daily_from_ms, self.daily_length_ms, rate_cards(self.rows), price_list)


def sheets(rows: Iterable[PriceRow], service_tier: str = "", everyones: Iterable[PriceRow] = ()) -> tuple[Sheet, ...]:
    """One model's sheets for calls of a service tier by ascending precedence: of the active ones the last
    holds.

    everyones: where the rows are an organization's, the standard ones that hold where it has none; what the
    service tier does not name costs as much as in those.
    Raises PriceListRefused for rates or a daily window that cannot be right.
    """
    return tuple(dated.sheet() for dated in _laid(rows, service_tier, everyones))


def rows_together(rows: Iterable[PriceRow], service_tier: str = "") -> list[tuple[PriceRow, ...]]:
    """The rows of each sheet that `sheets` would make of them."""
    return [dated.rows for dated in _laid(rows, service_tier, ())]


def _laid(rows: Iterable[PriceRow], service_tier: str, everyones: Iterable[PriceRow]) -> list[_Dated]:
    ordered = sorted(rows, key=lambda row: row.position)
    standard = _dated(row for row in ordered if not row.service_tier)
    if not service_tier:
        return standard
    special = _dated(row for row in ordered if row.service_tier == service_tier)
    alone = [] if standard and standard[0].is_always else special
    return [*alone, *_under(_dated(everyones), special), *_combined(standard, special)]


def _dated(rows: Iterable[PriceRow]) -> list[_Dated]:
    grouped: dict[tuple[datetime, str, str], list[PriceRow]] = {}
    for row in rows:
        grouped.setdefault((row.effective_from, row.daily_from, row.daily_to), []).append(row)
    return [_of_one_time(tuple(group)) for group in grouped.values()]


def _of_one_time(rows: tuple[PriceRow, ...]) -> _Dated:
    first = rows[0]
    from_ms = int(first.effective_from.astimezone(UTC).timestamp()) * 1000
    if not first.daily_from and not first.daily_to:
        return _Dated(from_ms, 0, DAY_MS, rows)
    start, end = _time_of_day_ms(first, first.daily_from), _time_of_day_ms(first, first.daily_to)
    return _Dated(from_ms, start, (end - start) % DAY_MS, rows)


def _combined(standard: Sequence[_Dated], special: Sequence[_Dated]) -> Iterator[_Dated]:
    """Each standard sheet by itself, where it may be seen, then under each of the service tier's.

    An end stands by itself: it ends the service tier all day, whatever the hours of its windows.
    """
    is_hidden = bool(special) and special[0].is_always
    for usual in standard:
        if usual.is_end or not is_hidden:
            yield usual
        if not usual.is_end:
            yield from _under([usual], special)


def _under(standard: Sequence[_Dated], special: Sequence[_Dated]) -> Iterator[_Dated]:
    """Each standard sheet under each of the service tier's, for the time that both hold."""
    for usual in standard:
        for other in special:
            rows = _replaced(usual.rows, other.rows)
            for start, length in _common_window(usual, other):
                yield _Dated(max(usual.from_ms, other.from_ms), start, length, rows)


def _replaced(usual: tuple[PriceRow, ...], other: tuple[PriceRow, ...]) -> tuple[PriceRow, ...]:
    """The prices of a service tier in the place of the standard ones of their units.

    Where either says NO_RATES, an end, the standard rows stay: a model that is no longer priced has no price in any
    service tier. Of a free model all else is free.
    """
    if NO_RATES in (usual[0].unit, other[0].unit):
        return usual
    if other[0].unit == FREE:
        return other
    if usual[0].unit == FREE:
        usual = tuple(replace(usual[0], unit=unit.price_key, per=unit.per) for unit in WHOLE_UNITS)
    named = {row.unit for row in other}
    return (*(row for row in usual if row.unit not in named), *other)


def _common_window(one: _Dated, other: _Dated) -> list[tuple[int, int]]:
    """Start and length of each stretch of the day that is in both windows: none, one or two."""
    if one.daily_length_ms == DAY_MS:
        return [(other.daily_from_ms, other.daily_length_ms)]
    if other.daily_length_ms == DAY_MS:
        return [(one.daily_from_ms, one.daily_length_ms)]
    offset = (other.daily_from_ms - one.daily_from_ms) % DAY_MS
    end = offset + other.daily_length_ms
    stretches = [(offset, min(end, one.daily_length_ms)), (0, min(end - DAY_MS, one.daily_length_ms))]
    return [((one.daily_from_ms + start) % DAY_MS, stop - start) for start, stop in stretches if stop > start]


def _time_of_day_ms(row: PriceRow, text: str) -> int:
    try:
        moment = time.fromisoformat(text)
    except ValueError as problem:
        raise PriceListRefused(
            f"{row.provider}/{row.model}: {text!r} is no time of day; write both ends of the window as HH:MM:SS in UTC"
        ) from problem
    return (moment.hour * 3600 + moment.minute * 60 + moment.second) * 1000
