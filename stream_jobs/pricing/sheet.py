"""When rates hold: one model's price rows in, its dated and time-of-day sheets out, in order of precedence."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.rate_card import RateCard, rate_cards

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cards that hold from an instant on, inside a daily window (all day: length DAY_MS)."""

    from_ms: int
    daily_from_ms: int
    daily_length_ms: int
    cards: tuple[RateCard, ...]
    """By ascending tier; the first is the base."""

    def is_active(self, time_ms: int) -> bool:
        """Whether the sheet may apply to a call at this instant (Unix milliseconds)."""
        return self.from_ms <= time_ms and (time_ms - self.daily_from_ms) % DAY_MS < self.daily_length_ms


def sheets(rows: Iterable[PriceRow]) -> tuple[Sheet, ...]:
    """One model's sheets by ascending precedence: of the active ones the last holds.

    Raises PriceListRefused for rates or a daily window that cannot be right.
    """
    grouped: dict[tuple[datetime, str, str], list[PriceRow]] = {}
    for row in sorted(rows, key=lambda row: row.position):
        grouped.setdefault((row.effective_from, row.daily_from, row.daily_to), []).append(row)
    return tuple(_sheet(group) for group in grouped.values())


def _sheet(rows: list[PriceRow]) -> Sheet:
    first = rows[0]
    from_ms = int(first.effective_from.astimezone(UTC).timestamp()) * 1000
    if not first.daily_from and not first.daily_to:
        return Sheet(from_ms, 0, DAY_MS, rate_cards(rows))
    start, end = _time_of_day_ms(first, first.daily_from), _time_of_day_ms(first, first.daily_to)
    return Sheet(from_ms, start, (end - start) % DAY_MS, rate_cards(rows))


def _time_of_day_ms(row: PriceRow, text: str) -> int:
    try:
        moment = time.fromisoformat(text)
    except ValueError as problem:
        raise PriceListRefused(
            f"{row.provider}/{row.model}: {text!r} is no time of day; write both ends of the window as HH:MM:SS in UTC"
        ) from problem
    return (moment.hour * 3600 + moment.minute * 60 + moment.second) * 1000
