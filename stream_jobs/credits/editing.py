"""A new multiplier of a model from a date on, and what differs between two lists: rows in, rows or differences out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_row import MAX_MULTIPLIER_MILLI, MultiplierRow

Key = tuple[str, str, str, datetime]


@dataclass(frozen=True, slots=True)
class ChangedMultiplier:
    """One multiplier that differs; None where there is none."""

    before: MultiplierRow | None
    after: MultiplierRow | None

    @property
    def row(self) -> MultiplierRow:
        """Whose model and date it is about."""
        row = self.after or self.before
        assert row is not None
        return row


def with_multiplier(rows: Sequence[MultiplierRow], new: MultiplierRow) -> list[MultiplierRow]:
    """The owner's rows with the new one in the place of that of its model and date."""
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
    try:
        milli = Decimal(multiplier.strip().removesuffix("x")) * 1000
        if not milli.is_finite() or milli != int(milli) or not 0 <= milli <= MAX_MULTIPLIER_MILLI:
            raise ValueError
    except (ArithmeticError, ValueError) as problem:
        raise CreditRulesRefused(
            f"{multiplier!r} is no multiplier; write a number from 0 to {MAX_MULTIPLIER_MILLI // 1000} of at most 3 "
            "decimal places"
        ) from problem
    return int(milli)


def multiplier_text(row: MultiplierRow | None) -> str:
    """Credits a request, for people."""
    if row is None:
        return "none"
    if row.ended:
        return "ended"
    return f"{format((Decimal(row.multiplier_milli) / 1000).normalize(), 'f')}x"


def multiplier_difference(
    before: Iterable[MultiplierRow], after: Iterable[MultiplierRow]
) -> tuple[ChangedMultiplier, ...]:
    """What differs, by organization, provider, model and date."""
    was, becomes = ({multiplier_key(row): row for row in rows} for rows in (before, after))
    return tuple(
        ChangedMultiplier(was.get(key), becomes.get(key))
        for key in sorted(was.keys() | becomes.keys())
        if _says(was.get(key)) != _says(becomes.get(key))
    )


def multiplier_key(row: MultiplierRow) -> Key:
    """What tells multipliers of one revision apart."""
    return row.organization, row.provider.lower(), row.model.lower(), row.effective_from


def _says(row: MultiplierRow | None) -> tuple[int, bool] | None:
    return None if row is None else (row.multiplier_milli, row.ended)
