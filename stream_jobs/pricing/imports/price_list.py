"""What a price file says: the finished list, and the reading of a file that collects it with every problem."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from stream_jobs.pricing.checks import PlacedRow, problems_of
from stream_jobs.pricing.editing.dated_sheet import DatedSheet
from stream_jobs.pricing.editing.unit_gaps import EndedUnit
from stream_jobs.pricing.errors import PriceListRefused, printable
from stream_jobs.pricing.exact_number import exact_number, multiplied, plain, shifted
from stream_jobs.pricing.imports.provider_ids import provider_id
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.rate_card import MAX_PLACES

_SMALLEST: Final = Decimal(1).scaleb(-MAX_PLACES)
_WIDE: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)

MAX_PROBLEMS: Final = 100
"""A file of the wrong kind has a problem on every line; more than these help nobody."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """Checked rows by position, where they come from, and what the reader has to say about them.

    A note says what was left out, converted or decided: whoever applies the list should see them.
    """

    rows: tuple[PriceRow, ...]
    source: str
    notes: tuple[str, ...] = ()
    ended: frozenset[EndedUnit] = frozenset()
    """What has no price any more, as the list says; what it does not speak of goes on."""
    places: tuple[str, ...] = ()
    """Where the file has each row; none where the rows are not a file's alone."""


@dataclass(slots=True)
class _Remark:
    count: int
    example: str


@dataclass(slots=True)
class Reading:
    """One file while it is read. Nothing is raised before all of it has been seen."""

    source: str
    """Format and file name: the `source` of rows that name none of their own."""
    without: frozenset[str] = frozenset()
    """Models to leave out, as provider/model in any spelling, whatever is wrong with them."""
    rounds: bool = False
    """True: a price of more than 18 places is rounded, and said; False: it is refused."""
    placed: list[PlacedRow] = field(default_factory=list)
    ended: list[PlacedRow] = field(default_factory=list)
    """Units without a price beside others of their sheet; what these rows cost means nothing."""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _remarks: dict[str, _Remark] = field(default_factory=dict)
    _spellings: dict[tuple[str, ...], str] = field(default_factory=dict)
    """The first spelling of each provider, and of each of its models, by lower case."""

    def __post_init__(self) -> None:
        self.without = frozenset(map(_folded, self.without))

    def refuse(self, place: str, problem: str) -> None:
        """Keeps the whole file from being applied; `problem` says what is wrong and the cure."""
        self.problems.append(f"{place}: {problem}" if place else problem)

    def note(self, sentence: str) -> None:
        """Something to be seen before the list is applied; said once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def leave_out(self, what: str, example: str) -> None:
        """Something of the file that is not taken: noted once for all its places, with their number."""
        self.remark(f"Left out: {what}", example)

    def remark(self, sentence: str, example: str) -> None:
        """Something decided at many places: noted once, with their number and the first of them."""
        known = self._remarks.setdefault(printable(sentence), _Remark(0, printable(example)))
        known.count += 1

    def price(self, value: object, place: str, shift: int = 0, times: int = 1) -> Decimal | None:
        """A price as the file writes it, times 10 to the `shift`, and `times`, exact; None, and a problem, when it is
        no number.

        Whether the number can be a price is asked of the finished row.
        """
        number = exact_number(value)
        if number is None:
            self.refuse(place, f"{value!r} is no price; write a number such as 2.5 or 1.25e-06")
            return None
        price = multiplied(shifted(number, shift), times)
        if not self.rounds or not price.is_finite() or -_exponent(price) <= MAX_PLACES:
            return price
        rounded = price.quantize(_SMALLEST, context=_WIDE)
        if not rounded:
            return price  # refused with its row: it would have become free
        self.leave_out(f"digits of prices after the {MAX_PLACES}th place", place)
        return plain(rounded)

    def add(self, place: str, row: PriceRow) -> None:
        """Takes a row at the next position, unless its model is to be left out."""
        row = self.called(row)
        if self._is_left_out(row):
            self.leave_out("models that were asked to be", place)
            return
        self.placed.append(PlacedRow(place, replace(row, position=len(self.placed))))

    def end(self, place: str, row: PriceRow) -> None:
        """Takes what the file says of a row's unit: from then on it has no price."""
        row = self.called(row)
        if not self._is_left_out(row):
            self.ended.append(PlacedRow(place, row))

    def called(self, row: PriceRow) -> PriceRow:
        """The row with its provider and model as the file first spells them: letter case makes no second one."""
        of = row.provider.lower()
        provider = self._spellings.setdefault((of,), row.provider)
        model = self._spellings.setdefault((of, row.model.lower()), row.model)
        return row if (provider, model) == (row.provider, row.model) else renamed(row, provider, model)

    def _is_left_out(self, row: PriceRow) -> bool:
        return bool(self.without) and _folded(f"{row.provider}/{row.model}") in self.without

    def finished(self) -> PriceList:
        """The list of all rows. Raises PriceListRefused with every problem of reading and checking."""
        problems = [*self.problems, *problems_of(self.placed, self.ended)]
        if not problems and not self.placed:
            problems = [f"{self.source} holds no price"]
        if problems:
            raise PriceListRefused(*_shortened(problems))
        remarks = [f"{sentence} ({_times(remark)})" for sentence, remark in self._remarks.items()]
        ended = frozenset(
            EndedUnit(end.row.provider, end.row.model, end.row.unit, DatedSheet((end.row,)).place) for end in self.ended
        )
        rows, places = (tuple(getattr(placed, of) for placed in self.placed) for of in ("row", "place"))
        return PriceList(rows, self.source, (*self.notes, *remarks), ended, places)


def renamed(row: PriceRow, provider: str, model: str) -> PriceRow:
    """The row as one of another model; a name for people that only repeated the model's goes with it."""
    display_name = model if row.display_name == row.model else row.display_name
    return replace(row, provider=provider, model=model, display_name=display_name)


def _folded(name: str) -> str:
    """A name in one spelling; another than the catalogue's own may come out of a list under that one."""
    provider, slash, model = name.strip().lower().partition("/")
    return f"{provider_id(provider)}{slash}{model}"


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _times(remark: _Remark) -> str:
    if remark.count == 1:
        return remark.example
    return f"{remark.count:,} times, first at {remark.example}"


def _shortened(problems: Sequence[str]) -> Sequence[str]:
    if len(problems) <= MAX_PROBLEMS:
        return problems
    return [*problems[:MAX_PROBLEMS], f"… and {len(problems) - MAX_PROBLEMS:,} more problems"]
