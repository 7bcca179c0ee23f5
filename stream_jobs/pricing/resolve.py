"""Which catalogue entry an event's provider and model mean: two texts in, the entry and the rule that found
it out.

The rules are in providers.py. What no rule finds stays unknown: a model is never priced as one that looks like it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from stream_jobs.pricing.match import Clause, FirstMatch
from stream_jobs.pricing.price_row import ANY_MODEL, PriceRow
from stream_jobs.pricing.providers import Place, Providers


@dataclass(frozen=True, slots=True)
class Resolution:
    """The entry whose prices apply, and how it was found, for people who ask why."""

    provider: str
    model: str
    rule: str
    sold_by: str = ""
    """The provider that sells this maker's model, where that is another one."""


class _Models:
    """Those of one provider by the rules that find them."""

    def __init__(self, clauses: Mapping[str, Clause]) -> None:
        self._names: Final = tuple(clauses)
        self._numbers: Final = {name: number for number, name in enumerate(clauses)}
        self._first: Final = FirstMatch(clauses.values())

    def find(self, place: Place, skipped: Collection[tuple[str, str]]) -> str | None:
        """The first model whose rule finds the spelling."""
        passed = {self._numbers[name] for of, name in skipped if of == place.provider and name in self._numbers}
        found = self._first.find(place.text, passed)
        return None if found is None else self._names[found]


class Resolver:
    """Compiled matching rules of one price list."""

    def __init__(self, rows: Iterable[PriceRow], providers: Providers | None = None) -> None:
        """`rows` in their order. providers: those that are known beside them.

        Raises PriceListRefused for a rule of no known kind.
        """
        known = list(rows)
        models: dict[str, dict[str, Clause]] = {}
        for row in known:
            if row.model and row.model not in models.setdefault(row.provider, {}):
                models[row.provider][row.model] = clause_of(row)
        self.providers: Final = Providers(known) if providers is None else providers.with_rows(known)
        self._models: Final = {name: _Models(of) for name, of in models.items()}

    def resolve(self, provider: str, model: str, skipped: Collection[tuple[str, str]] = ()) -> Resolution | None:
        """The entry of the first rule that finds one; None when the model is unknown. Either text may be empty.

        A provider's default is for what no other rule finds, in any spelling, at any provider whose models it serves.
        skipped: entries (provider and model) that are looked past.
        """
        default: Resolution | None = None
        for place in self.providers.places(provider, model):
            models = self._models.get(place.provider)
            if models is None or (name := models.find(place, skipped)) is None:
                continue
            found = Resolution(place.provider, name, place.rule, place.sold_by)
            if name != ANY_MODEL:
                return found
            default = default or found
        return default

    def seller(self, provider: str, model: str) -> str:
        """Who charges for a call: the provider named, else by the model's entry, its outermost prefix or its maker.

        Empty when none of these says it. A provider outside the list is its name in lower case.
        """
        if named := self.providers.id_of(provider):
            return named
        found = self.resolve(provider, model)
        return self.providers.seller(model) if found is None else found.sold_by or found.provider

    def bare(self, provider: str, model: str) -> str:
        """The model in lower case without prefixes that only repeat who sells it; also when no entry has it."""
        return self.providers.bare(provider, model)


def meant(
    resolvers: Iterable[Resolver], provider: str, model: str, skipped: Collection[tuple[str, str]] = ()
) -> Resolution | None:
    """The entry by the first of these that finds one; a default price is for what none of them has a price for.

    A seller's own entry comes before that of the maker, whoever says either: who has a price of its own for the maker's
    model pays another seller what that one asks of everyone.
    """
    default, of_maker = None, None
    for resolver in resolvers:
        found = resolver.resolve(provider, model, skipped)
        if found is None or found.model == ANY_MODEL:
            default = default or found
        elif of_maker is None and found.sold_by:
            of_maker = found
        elif of_maker is None or found.provider == of_maker.sold_by:
            return found
    return of_maker or default


def clause_of(row: PriceRow) -> Clause:
    """The rule that finds a row's model."""
    clause: Clause = json.loads(row.match)["model"] if row.match else {"equals": row.model}
    return clause
