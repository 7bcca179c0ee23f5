"""One name for a model that provider and event write differently: the rules of the price list as a question."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from stream_jobs.pricing.price_row import NO_RATES, PriceRow
from stream_jobs.pricing.resolve import Resolver
from warehouse.queries.query import Rows


class ModelNames:
    """Names by the rules of a price list."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def provider(self, name: str) -> str:
        """The provider whose name this is in any spelling, as prices are set for it; else the name in lower case."""
        return self._resolver.providers.called(name.lower())

    def alike(self, name: str, others: Iterable[str]) -> tuple[str, ...]:
        """Which of the others are names of the same provider."""
        provider = self.provider(name)
        return tuple(other for other in others if self.provider(other) == provider)

    def model(self, provider: str, model: str) -> str:
        """The model's id in the catalogue; of one that nobody knows its name in lower case, without prefixes."""
        found = self._resolver.resolve(provider, model)
        return self._resolver.bare(provider, model) if found is None else found.model

    def seller(self, provider: str, model: str) -> str:
        """Who charges for a call: the provider that the event names, else by the model; "" when nobody knows it."""
        return self._resolver.seller(provider, model)


@dataclass(frozen=True, slots=True)
class NamesInCatalogue:
    """The matching rules of the newest prices for everyone."""

    @property
    def sql(self) -> str:
        """The statement. Prices that no finished revision has are not there yet."""
        return """SELECT toString(provider), model, any(match), min(position) AS place FROM prices FINAL
WHERE organization = '' AND revision =
(
    SELECT max(revision) FROM prices
    WHERE organization = '' AND revision IN (SELECT revision FROM config_revisions WHERE kind = 'prices')
)
GROUP BY provider, model ORDER BY place"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> ModelNames:
        """The rules, compiled. Raises PriceListRefused for a rule of no known kind."""
        return ModelNames(
            Resolver(
                PriceRow(provider, model, model, match, NO_RATES, Decimal(0), 1, position, "")
                for provider, model, match, position in rows
            )
        )
