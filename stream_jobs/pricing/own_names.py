"""Which names some organisation may have a price of its own for: the prices of organisations in, yes or no out.

It may say so of too many names, never of too few: whoever asks then looks a name up for each organisation, and need not
for all others. So nothing is ever taken away, and all states with the same prices for everyone share one of these.
"""

from collections.abc import Collection, Sequence
from typing import Final

from stream_jobs.pricing.match import FirstMatch
from stream_jobs.pricing.own_prices import OwnPrices
from stream_jobs.pricing.remembered import looked_up
from stream_jobs.pricing.resolve import clause_of
from stream_jobs.pricing.shared_prices import SharedPrices
from stream_jobs.pricing.underlying import Entry


class OwnNames:
    """Grows in one thread at a time, and may be asked meanwhile."""

    def __init__(self, shared: SharedPrices) -> None:
        self._shared: Final = shared
        self._patterns: Final[set[tuple[str, str, str]]] = set()
        self._models: Final[dict[str, FirstMatch]] = {}
        self._entries: Final[set[Entry]] = set()
        self._further: Final[set[str]] = set()
        """Providers that only organisations know, in lower case: with one of them in a name, it may mean another."""
        self._remembered: dict[tuple[str, str], bool] = {}

    def add(self, own: Collection[OwnPrices]) -> None:
        """From now on their names are among them."""
        fresh = [
            row
            for prices in own
            for row in prices.patterns
            if (row.provider, row.model, row.match) not in self._patterns
        ]
        entries = {entry for prices in own for entry in prices.sheets}
        if not fresh and entries <= self._entries:
            return
        self._entries.update(entries)
        for row in fresh:
            self._patterns.add((row.provider, row.model, row.match))
            self._models.setdefault(row.provider, FirstMatch(())).add(clause_of(row))
            if row.provider not in self._shared.providers:
                self._further.add(row.provider.lower())
        # Who looks something up meanwhile puts it where nobody looks any more.
        self._remembered = {name: True for name, is_own in self._remembered.copy().items() if is_own}

    def may_be_own(self, names: Sequence[tuple[str, str]]) -> list[bool]:
        """Whether an organisation that has no rules for providers may have a price of its own for each name (provider,
        model)."""
        return looked_up(self._remembered, names, lambda name: self._is_found(*name))

    def _is_found(self, provider: str, model: str) -> bool:
        everyones = self._shared.resolver.resolve(provider, model)
        if everyones is not None and (everyones.provider, everyones.model) in self._entries:
            return True
        prefixes = model.strip().lower().split("/")[:-1]
        if self._further and not self._further.isdisjoint((provider.strip().lower(), *prefixes)):
            return True
        for place in self._shared.providers.places(provider, model):
            models = self._models.get(place.provider)
            if place.provider in self._further or (models is not None and models.find(place.text) is not None):
                return True
        return False
