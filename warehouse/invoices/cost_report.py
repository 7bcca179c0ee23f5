"""The words of invoices: a line of a provider's cost report, and the report with what is wrong or worth knowing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_UP, Context, Decimal
from typing import Any, Final

from warehouse.errors import CostReportRefused
from warehouse.queries.ranges import FIRST_DAY, LAST_DAY
from warehouse.queries.usage import EXACT
from warehouse.written_number import written_number

AMOUNT_USD_MAX: Final = Decimal(10) ** 12
PLACES_MAX: Final = 18
_ONE_DIGIT: Final = Context(prec=1, rounding=ROUND_UP)


@dataclass(frozen=True, slots=True)
class CostLine:
    """One charge. day: of UTC. model: as the provider writes it, empty for a charge about none.

    amount_usd: exact, negative for what is given back. quantity: most often tokens, None when not told.
    place: where it stands in the file.
    """

    day: date
    model: str
    item: str
    amount_usd: Decimal
    quantity: Decimal | None
    project: str
    place: str


@dataclass(frozen=True, slots=True)
class CostReport:
    """A whole report. days: all that it tells about, also those on which nothing is charged."""

    provider: str
    format: str
    days: tuple[date, ...]
    lines: tuple[CostLine, ...]
    notes: tuple[str, ...] = ()

    @property
    def amount_usd(self) -> Decimal:
        """The exact sum of the lines."""
        total = Decimal(0)
        for line in self.lines:
            total = EXACT.add(total, line.amount_usd)
        return total


@dataclass(slots=True)
class Reading:
    """A report while it is read: what is wrong is collected, so that all of it is said at once."""

    problems: list[str] = field(default_factory=list)
    days: dict[date, str] = field(default_factory=dict)
    lines: list[CostLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: dict[str, list[Decimal]] = field(default_factory=dict)
    """By what was rounded: how much each number lost."""

    def day(self, day: date, place: str) -> None:
        """Notes that the report tells about a day; a bucket of its own may come once only."""
        if not FIRST_DAY <= day <= LAST_DAY:
            self.problems.append(f"{place}: {day} lies outside {FIRST_DAY} to {LAST_DAY}")
        elif day in self.days:
            self.problems.append(f"{place}: {day} stands at {self.days[day]} already; keep one of the two")
        self.days.setdefault(day, place)

    def number(self, value: Any, place: str) -> Decimal | None:
        """An exact number, given as one or as text; None when it is none or too long, which becomes a problem."""
        number = self._read(value, place)
        if number is not None and number != _stored(number, PLACES_MAX):
            self.problems.append(f"{place}: {value} has more than {PLACES_MAX} places; round it")
            return None
        return number

    def rounded(self, value: Any, place: str, what: str, places: int = PLACES_MAX) -> Decimal | None:
        """A number of a program's report, rounded half to even: its floats have more places than anybody meant.

        what: said in the note. places: those that are kept; 16 of a cent are 18 of a dollar.
        """
        number = self._read(value, place)
        if number is None:
            return None
        stored = _stored(number, places)
        if stored != number:
            change = EXACT.scaleb(EXACT.subtract(stored, number), places - PLACES_MAX)
            self.changes.setdefault(what, []).append(abs(change))
        return stored

    def _read(self, value: Any, place: str) -> Decimal | None:
        number = written_number(value)
        if number is None:
            self.problems.append(f"{place}: {value!r} is no number; write it like 12.34")
            return None
        if not number.is_finite() or number.copy_abs() > AMOUNT_USD_MAX:
            self.problems.append(f"{place}: {value} must be a number of at most {AMOUNT_USD_MAX}")
            return None
        return number

    def in_dollars(self, currency: Any, place: str) -> bool:
        """Whether an amount is in US dollars; else that becomes a problem."""
        if isinstance(currency, str) and currency.strip().upper() == "USD":
            return True
        self.problems.append(
            f"{place}: {currency!r} is not USD; our prices are in US dollars: convert the amount first"
        )
        return False

    def report(self, provider: str, form: str) -> CostReport:
        """What was read. Raises CostReportRefused with every problem, or when it tells about no day."""
        if not self.problems and not self.days:
            self.problems.append("the report tells about no day; ask the provider for the days you want")
        if self.problems:
            raise CostReportRefused(self.problems)
        notes = *self.notes, *(_rounding(what, changes) for what, changes in self.changes.items())
        return CostReport(provider, form, tuple(sorted(self.days)), tuple(self.lines), notes)


def results_of(reading: Reading, bucket: Mapping[str, Any], place: str) -> list[Any]:
    """The results of a bucket; none where they are no list, which becomes a problem."""
    results = bucket.get("results")
    if results is None or isinstance(results, list):
        return results or []
    reading.problems.append(f"{place}.results: {str(results)[:80]!r} is no list of results")
    return []


def text_of(values: Mapping[str, Any], name: str) -> str:
    """A text of a JSON object; empty where it is null, absent or none."""
    value = values.get(name)
    return value.strip() if isinstance(value, str) else ""


def _stored(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), context=EXACT)


def _rounding(what: str, changes: list[Decimal]) -> str:
    most = _ONE_DIGIT.plus(max(changes))
    return (
        f"{what} with more than {PLACES_MAX} places were rounded half to even: {len(changes)}, by at most {most:e} each"
    )
