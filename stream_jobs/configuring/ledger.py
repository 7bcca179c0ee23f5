"""What prices and multipliers have in common when people change them: how rows are kept, compared and checked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Generic

from stream_jobs.configuring.said import Row, Said
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing.checks import row_problems
from stream_jobs.pricing.editing.known_names import KnownNames
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.known_rows import under_known_names
from stream_jobs.pricing.model_checks import model_problems
from stream_jobs.pricing.plausible import against_previous
from stream_jobs.pricing.price_book import PriceBook
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.providers import Providers
from stream_jobs.pricing.record import multiplier_record, price_record
from stream_jobs.pricing.shared_prices import SharedPrices
from warehouse.control.storing import Kind, Record


@dataclass(frozen=True, slots=True)
class Ledger(Generic[Row]):
    """One kind of configuration that has rows."""

    kind: Kind
    row: type[Row]
    record: Callable[[Said[Row]], Record]
    check: Callable[[Sequence[Row], Sequence[Row]], object]
    """Everyone's rows and an organization's own. Raises PriceListRefused or CreditRulesRefused when they cannot be."""
    judge: Callable[[Sequence[Row], Sequence[Row], Sequence[Row]], None]
    """An owner's rows before and after a change, and everyone's where it is an organization.

    Raises PriceListRefused for what is plainly wrong about the new ones.
    """
    known: Callable[[Sequence[Row], Sequence[Row]], Sequence[Row]] = lambda rows, _: rows
    """An owner's stored rows, and everyone's where it is an organization, in; the same under the names that are meant
    out: what is changed next is stored under those."""

    def same(self, row: Row) -> tuple[Any, ...]:
        """What a row says, wherever it stands in the list and wherever it comes from."""
        return _says(row)


def _says(row: PriceRow | MultiplierRow) -> tuple[Any, ...]:
    return tuple(getattr(row, each.name) for each in fields(row) if each.name not in ("position", "source"))


def _price_book(everyones: Sequence[PriceRow], own: Sequence[PriceRow]) -> PriceBook:
    return PriceBook.compiled(0, SharedPrices(0, everyones), own)


def _multiplier_table(everyones: Sequence[MultiplierRow], own: Sequence[MultiplierRow]) -> MultiplierTable:
    return MultiplierTable.from_rows([*everyones, *own], revision=0)


def _prices_under_known_names(rows: Sequence[PriceRow], everyones: Sequence[PriceRow]) -> Sequence[PriceRow]:
    return under_known_names(rows, Providers(everyones) if everyones else None)


def _judge_prices(before: Sequence[PriceRow], after: Sequence[PriceRow], everyones: Sequence[PriceRow]) -> None:
    """Compares with prices that go on: from its end on one may be followed by any other.

    What cannot be a price is compared with nothing.
    """
    said_before = set(map(_says, before))
    new = [row for row in after if _says(row) not in said_before]
    problems = [f"{row.provider}/{row.model}: {problem}" for row in new for problem in row_problems(row)]
    names = KnownNames(before, everyones)

    def priced_as(provider: str, model: str) -> list[PriceRow]:
        under = names.rows_under(provider, model)
        return [row for row in under if (row.provider, row.model) != (provider, model)]

    problems = problems or against_previous(new, before, everyones, priced_as)
    problems = problems or list(_between_rows(before, after, names))
    if problems:
        raise PriceListRefused(*problems)


def _between_rows(before: Sequence[PriceRow], after: Sequence[PriceRow], names: KnownNames) -> Iterator[str]:
    """What does not fit together about the models that change."""
    former = _by_model(before)
    for (provider, model), rows in _by_model(after).items():
        if not model or list(map(_says, rows)) == list(map(_says, former.get((provider, model), ()))):
            continue
        placed = [(f"{row.unit or 'the end'} from {row.effective_from:%Y-%m-%d %H:%M:%S}", row) for row in rows]
        for place, problem in model_problems(placed, names.rows_under(provider, model)):
            yield f"{provider}/{model}, {place}: {problem}"


def _by_model(rows: Sequence[PriceRow]) -> dict[tuple[str, str], list[PriceRow]]:
    models: dict[tuple[str, str], list[PriceRow]] = {}
    for row in rows:
        models.setdefault((row.provider, row.model), []).append(row)
    return models


def _judge_multipliers(
    before: Sequence[MultiplierRow], after: Sequence[MultiplierRow], everyones: Sequence[MultiplierRow]
) -> None:
    """Each row has checked itself."""


PRICES: Final = Ledger(
    "prices",
    PriceRow,
    lambda said: price_record(said.row, said.author, said.note, said.created),
    _price_book,
    _judge_prices,
    _prices_under_known_names,
)
MULTIPLIERS: Final = Ledger(
    "multipliers",
    MultiplierRow,
    lambda said: multiplier_record(said.row, said.author, said.created),
    _multiplier_table,
    _judge_multipliers,
)
