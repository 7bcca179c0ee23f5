"""Compares an invoice with our figures by day and model: charges, recorded usage and names in, explained lines out."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from stream_jobs.invoices.explanation import Explanation, Invoiced, Ours, explained
from stream_jobs.invoices.model_names import ModelNames
from warehouse.currency.exchange_rate import RatesOf
from warehouse.queries.invoices import Charged, Recorded
from warehouse.queries.usage import EXACT


class Grouping(StrEnum):
    """What the lines of a comparison stand for."""

    DAY_AND_MODEL = "day_and_model"
    DAY = "day"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class InCurrency:
    """Both sides in the currency asked for, each day at its own rate, exact."""

    invoiced: Decimal
    ours: Decimal

    @property
    def difference(self) -> Decimal:
        """Invoice minus ours."""
        return EXACT.subtract(self.invoiced, self.ours)

    def __add__(self, other: "InCurrency") -> "InCurrency":
        return InCurrency(EXACT.add(self.invoiced, other.invoiced), EXACT.add(self.ours, other.ours))


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """Both sides. day, model: None when the line is about all of them; model: "" for charges that name none."""

    day: date | None
    model: str | None
    invoiced: Invoiced
    ours: Ours
    explanation: Explanation
    in_currency: InCurrency | None = None

    @property
    def difference_usd(self) -> Decimal:
        """Invoice minus ours (USD, exact)."""
        return EXACT.subtract(self.invoiced.amount_usd, self.ours.cost_usd)

    def __add__(self, other: "ComparedLine") -> "ComparedLine":
        amount = EXACT.add(self.invoiced.amount_usd, other.invoiced.amount_usd)
        return ComparedLine(
            self.day if self.day == other.day else None,
            self.model if self.model == other.model else None,
            Invoiced(amount, _sum(self.invoiced.tokens, other.invoiced.tokens)),
            self.ours + other.ours,
            self.explanation + other.explanation,
            self.in_currency + other.in_currency if self.in_currency and other.in_currency else None,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Lines by day and model. days: those that the reports tell about; the others are not compared."""

    days: tuple[date, ...]
    lines: tuple[ComparedLine, ...]

    @property
    def whole(self) -> ComparedLine:
        """All lines together."""
        return _together(None, None, self.lines)

    def by(self, grouping: Grouping) -> tuple[ComparedLine, ...]:
        """The lines, summed; causes stay those of each day and model."""
        if grouping is Grouping.DAY_AND_MODEL:
            return self.lines
        of_day = grouping is Grouping.DAY
        key: Callable[[ComparedLine], object] = (lambda line: line.day) if of_day else (lambda line: line.model)
        groups: dict[object, list[ComparedLine]] = defaultdict(list)
        for line in self.lines:
            groups[key(line)].append(line)
        return tuple(
            _together(lines[0].day if of_day else None, None if of_day else lines[0].model, lines)
            for _, lines in sorted(groups.items(), key=lambda group: str(group[0]))
        )


@dataclass(slots=True)
class _Charges:
    amount_usd: Decimal = Decimal(0)
    tokens: Decimal | None = Decimal(0)
    items: list[str] = field(default_factory=list)


def compared(
    provider: str,
    days: Sequence[date],
    charged: Iterable[Charged],
    recorded: Iterable[Recorded],
    names: ModelNames,
    rates: RatesOf | None = None,
) -> Comparison:
    """The comparison of one provider's invoice, by any of its names. Usage that others charge for is left out.

    rates: of the currency in which amounts are shown too. Raises MissingExchangeRate for a day without one.
    """
    provider = names.provider(provider)
    invoiced: dict[tuple[date, str], _Charges] = defaultdict(_Charges)
    for charge in charged:
        model = names.model(provider, charge.model) if charge.model else ""
        charges = invoiced[charge.day, model]
        charges.amount_usd = EXACT.add(charges.amount_usd, charge.amount_usd)
        charges.tokens = _sum(charges.tokens, charge.quantity)
        charges.items.append(charge.item)
    ours: dict[tuple[date, str], Ours] = defaultdict(Ours)
    for usage in recorded:
        if names.seller(usage.provider, usage.model) == provider:
            ours[usage.day, names.model(usage.provider, usage.model)] += _ours(usage)
    lines = []
    for day, model in sorted(invoiced.keys() | ours.keys()):
        charges = invoiced.get((day, model), _Charges(tokens=None))
        mine = ours.get((day, model), Ours())
        side = Invoiced(charges.amount_usd, charges.tokens, tuple(charges.items))
        shown = None
        if rates is not None:
            shown = InCurrency(rates.converted(side.amount_usd, day), rates.converted(mine.cost_usd, day))
        lines.append(ComparedLine(day, model, side, mine, explained(side, mine), shown))
    return Comparison(tuple(days), tuple(lines))


def _together(day: date | None, model: str | None, lines: Sequence[ComparedLine]) -> ComparedLine:
    nothing = InCurrency(Decimal(0), Decimal(0))
    total = ComparedLine(day, model, Invoiced(tokens=Decimal(0)), Ours(), Explanation(), nothing)
    for line in lines:
        total = total + line
    return replace(total, day=day, model=model)


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else EXACT.add(one, other)


def _ours(usage: Recorded) -> Ours:
    return Ours(
        usage.requests,
        usage.tokens,
        usage.cost_usd,
        usage.unpriced_requests,
        usage.partial_requests,
        usage.late_requests,
        usage.late_tokens,
        usage.late_cost_usd,
        usage.reported_difference_usd,
    )
