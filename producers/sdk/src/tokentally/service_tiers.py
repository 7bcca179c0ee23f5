"""How a provider served a call: its own word in, ours out."""

from typing import Final, get_args

from .fields import ServiceTier

_BY_WORD: Final[dict[str, ServiceTier]] = {word: word for word in get_args(ServiceTier) if word}


def service_tier_of(word: str | None) -> ServiceTier:
    """The service tier that an answer's word means, in any case.

    "" is the standard way: what providers call default, standard, auto or on demand, and every word that has no prices
    of its own.
    """
    return _BY_WORD.get((word or "").lower(), "")
