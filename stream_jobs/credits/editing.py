"""A new multiplier of a model from a date on, and what differs between two lists: rows in, rows or differences out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_row import MAX_MULTIPLIER_MILLI, MultiplierRow
from stream_jobs.credits.multiplier_table import DEFAULT_MILLI, places
from stream_jobs.pricing.exact_number import exact_number, shifted, whole_number

BUILT_IN: Final = MultiplierRow("", "", DEFAULT_MILLI, "built in")
"""What counts where no row says anything."""
Key = tuple[str, str, str, datetime]


@dataclass(frozen=True, slots=True)
class ChangedMultiplier:
    """One multiplier that is set, ended or taken away, and what counts at its date for calls of its name."""

    row: MultiplierRow
    before: MultiplierRow
    after: MultiplierRow


def with_multiplier(rows: Sequence[MultiplierRow], new: MultiplierRow) -> list[MultiplierRow]:
    """The owner's rows with the new one in the place of that of its model and date; as they are where the owner's own
    multiplier of the model is the same at that date. One that only repeats what everyone has is new: it stays when
    that one changes.
    """
    held = _newest(_of_model(rows, new), new.effective_from)
    if held is not None and _says(held) == _says(new):
        return list(rows)
    others = [row for row in rows if multiplier_key(row) != multiplier_key(new)]
    return sorted([*others, new], key=multiplier_key)


def with_multiplier_end(
    rows: Sequence[MultiplierRow], end: MultiplierRow, entry: tuple[str, str] | None = None
) -> list[MultiplierRow]:
    """The owner's rows with an end of one model's multiplier: what holds otherwise holds from there.

    entry: provider and model whose multiplier ends where the name has none of its own.
    Raises CreditRulesRefused for a model without a multiplier of the owner's, or one that changes later.
    """
    mine = _of_model(rows, end)
    if not mine and entry is not None:
        end = replace(end, provider=entry[0], model=entry[1])
        mine = _of_model(rows, end)
    name = f"{end.provider or 'any'}/{end.model}" if end.model else "default"
    whose = f" of its own for {end.organization}" if end.organization else ""
    if not mine or all(row.ended for row in mine):
        raise CreditRulesRefused(f"{name} has no multiplier{whose}: `multipliers list` shows those there are")
    later = [row.effective_from for row in mine if row.effective_from > end.effective_from]
    if later:
        raise CreditRulesRefused(
            f"{name} has a multiplier{whose} from {min(later):%Y-%m-%d %H:%M:%S} on: end it from then, or later"
        )
    return with_multiplier(rows, end)


def _of_model(rows: Sequence[MultiplierRow], one: MultiplierRow) -> list[MultiplierRow]:
    return [row for row in rows if multiplier_key(row)[:-1] == multiplier_key(one)[:-1]]


def milli_of(multiplier: str) -> int:
    """Thousandths of a multiplier as people write it. Raises CreditRulesRefused for anything but 0 to 1000, exact."""
    number = exact_number(multiplier.strip().removesuffix("x"))
    milli = None if number is None else whole_number(shifted(number, 3))
    if milli is None or not 0 <= milli <= MAX_MULTIPLIER_MILLI:
        raise CreditRulesRefused(
            f"{multiplier!r} is no multiplier; write a number from 0 to {MAX_MULTIPLIER_MILLI // 1000} of at most 3 "
            "decimal places"
        )
    return milli


def multiplier_text(row: MultiplierRow) -> str:
    """Credits a request, for people."""
    if row.ended:
        return "ended"
    return f"{format((Decimal(row.multiplier_milli) / 1000).normalize(), 'f')}x"


def multiplier_difference(
    before: Iterable[MultiplierRow], after: Iterable[MultiplierRow], everyones: Iterable[MultiplierRow] = ()
) -> tuple[ChangedMultiplier, ...]:
    """What differs, by organization, provider, model and date.

    everyones: rows that hold for all, where the lists are those of an organization alone.
    """
    was, becomes, shared = ({multiplier_key(row): row for row in rows} for rows in (before, after, everyones))
    held, holds = (_Placed((*shared.values(), *rows.values())) for rows in (was, becomes))
    return tuple(
        ChangedMultiplier(row, held.counting(row), holds.counting(row))
        for key, row in sorted((was | becomes).items())
        if _says(was.get(key)) != _says(becomes.get(key))
    )


class _Placed:
    """Rows by the place where they stand: organization, provider and model."""

    def __init__(self, rows: Iterable[MultiplierRow]) -> None:
        self._rows: Final = defaultdict[tuple[str, str, str], list[MultiplierRow]](list)
        for row in rows:
            self._rows[multiplier_key(row)[:-1]].append(row)

    def counting(self, one: MultiplierRow) -> MultiplierRow:
        """What counts at the date of this one for calls of its name, by the rules of `MultiplierTable`."""
        organization, provider, model, start = multiplier_key(one)
        for place in places(organization, f"{provider}/{model}", provider, model):
            row = _newest(self._rows.get(place, ()), start)
            if row is not None and not row.ended:
                return row
        return BUILT_IN


def _newest(rows: Iterable[MultiplierRow], at: datetime) -> MultiplierRow | None:
    """Of rows of one place the one that holds at a date."""
    begun = (row for row in rows if row.effective_from <= at)
    return max(begun, key=lambda row: row.effective_from, default=None)


def multiplier_key(row: MultiplierRow) -> Key:
    """What tells multipliers of one revision apart."""
    return row.organization, row.provider.lower(), row.model.lower(), row.effective_from


def _says(row: MultiplierRow | None) -> tuple[int, bool] | None:
    return None if row is None else (row.multiplier_milli, row.ended)
