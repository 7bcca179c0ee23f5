"""What people and lists call a provider or model: price rows and a name in, the name that the rows have for it out.

Wherever prices are set, imported, ended, listed or shown, a name is taken through here first.
"""

from collections.abc import Iterable
from functools import cached_property

from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.providers import Providers
from stream_jobs.pricing.resolve import Resolver
from stream_jobs.pricing.underlying import Entry


class Spellings:
    """Names as these rows have them: those of one owner and everyone's."""

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        """Raises PriceListRefused for a rule of no known kind."""
        self._rows = tuple(rows)

    def provider(self, name: str) -> str:
        """The id of the provider whose name this is in another spelling; else the name itself."""
        return self._providers.called(name)

    def entry(self, provider: str, model: str) -> Entry:
        """Provider and model: a known model also where its letter case is another."""
        called, name = self.provider(provider), model.strip()
        if (called, name) in self._known:
            return called, name
        return called, self._folded.get((called, name.lower()), name)

    def priced_as(self, provider: str, model: str) -> Entry:
        """The model's own entry where calls of this name are priced by it, in any spelling; else the names as given."""
        entry = self.entry(provider, model)
        found = Resolver(self._rows).resolve(provider, model) if provider and model else None
        return entry if found is not None and (found.provider, found.model) == entry else (provider, model)

    @cached_property
    def _providers(self) -> Providers:
        return Providers(self._rows)

    @cached_property
    def _known(self) -> dict[Entry, None]:
        return dict.fromkeys((row.provider, row.model) for row in self._rows)

    @cached_property
    def _folded(self) -> dict[Entry, str]:
        folded: dict[Entry, str] = {}
        for provider, model in self._known:
            folded.setdefault((provider, model.lower()), model)
        return folded
