"""What a list calls a provider: its name in, the id of the bundled catalogue out, as events under that name find it."""

from functools import cache

from stream_jobs.pricing.catalogue import provider_rows
from stream_jobs.pricing.providers import Providers


def provider_id(name: str) -> str:
    """The catalogue's id of a provider, or the name itself in lower case."""
    return _catalogued().called(name.lower())


@cache
def _catalogued() -> Providers:
    return Providers(provider_rows())
