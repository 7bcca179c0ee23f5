"""Which catalogue entry an event's provider and model mean: two texts in, the entry and the rule that found
it out.

The rules are genai-prices' own, with route prefixes (`openrouter/…`, `azure/…`, `bedrock/…`) on top. Letter
case and outer blanks never matter. What no rule finds stays unknown: a model is never priced as one that
looks like it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from stream_jobs.pricing.match import Clause, FirstMatch, Predicate, predicate
from stream_jobs.pricing.price_row import PriceRow

_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
_ROUTE = re.compile(r"^(models/|publishers/[^/]+/models/|converse/|invoke/|[a-z]{2}(-[a-z]+)+-\d+/)")
_MAX_PREFIXES = 4


@dataclass(frozen=True, slots=True)
class Resolution:
    """The entry whose prices apply, and how it was found, for people who ask why."""

    provider: str
    model: str
    rule: str


@dataclass(frozen=True, slots=True)
class _Provider:
    id: str
    is_named: Predicate | None
    is_maker_of: Predicate | None
    fallback: tuple[str, ...]
    models: tuple[str, ...]
    first: FirstMatch


class Resolver:
    """Compiled matching rules of one price list."""

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        """`rows` in their order: a provider's rules are in its row without a model.

        Raises PriceListRefused for a rule of no known kind.
        """
        rules: dict[str, dict[str, Clause | list[str] | None]] = {}
        models: dict[str, dict[str, Clause]] = {}
        for row in rows:
            known = models.setdefault(row.provider, {})
            if not row.model:
                rules[row.provider] = json.loads(row.match or "{}")
            elif row.model not in known:
                known[row.model] = json.loads(row.match)["model"] if row.match else {"equals": row.model}
        self._providers = [_compiled(name, rules.get(name, {}), known) for name, known in models.items()]
        self._by_id = {provider.id.lower(): provider for provider in self._providers}

    def resolve(self, provider: str, model: str) -> Resolution | None:
        """The entry of the first rule that finds one; None when the model is unknown. Either text may be empty."""
        named, text = provider.strip().lower(), model.strip().lower()
        if not text:
            return None
        return next(self._found(named, text), None)

    def _found(self, named: str, text: str) -> Iterator[Resolution]:
        given = self._provider(named) if named else None
        if given is not None:
            yield from _entries(self, given, text, "provider and model")
        yield from self._by_prefix(given, text)
        if not named or (given is None and named == "litellm"):
            for maker in self._providers:
                if maker.is_maker_of is not None and maker.is_maker_of(text):
                    yield from _entries(self, maker, text, "model alone")
                    break

    def _by_prefix(self, given: _Provider | None, text: str) -> Iterator[Resolution]:
        """`azure/gpt-4o` is gpt-4o at Azure. A prefix that contradicts the event's own provider is no prefix."""
        reached, rest = given, text
        for _ in range(_MAX_PREFIXES):
            if reached is not None and (route := _ROUTE.match(rest)):
                rest = rest[route.end() :]
            else:
                head, slash, rest = rest.partition("/")
                prefix = self._provider(head) if slash and head else None
                if prefix is None or (given is not None and prefix is not given):
                    return
                reached = prefix
            yield from _entries(self, reached, rest, f"prefix {text.removesuffix(rest)}")

    def _provider(self, named: str) -> _Provider | None:
        if exact := self._by_id.get(named):
            return exact
        return next((p for p in self._providers if p.is_named is not None and p.is_named(named)), None)

    def fallbacks(self, provider: _Provider) -> Iterator[_Provider]:
        """The providers whose models this one also serves, in their order."""
        for name in provider.fallback:
            if name in self._by_id:
                yield self._by_id[name]


def _entries(resolver: Resolver, provider: _Provider, text: str, rule: str) -> Iterator[Resolution]:
    dashed = _COMPACT_DATE.sub(_dashed_date, text)
    for spelling, suffix in ((text, ""), (dashed, ", date with dashes")):
        if (index := provider.first.find(spelling)) is not None:
            yield Resolution(provider.id, provider.models[index], rule + suffix)
        for other in resolver.fallbacks(provider):
            if (index := other.first.find(spelling)) is not None:
                yield Resolution(other.id, other.models[index], f"{rule}, sold by {provider.id}{suffix}")


def _dashed_date(found: re.Match[str]) -> str:
    year, month, day = (int(part) for part in found.groups())
    try:
        return f"-{date(year, month, day).isoformat()}"
    except ValueError:
        return found.group(0)


def _compiled(name: str, rules: dict[str, Clause | list[str] | None], models: dict[str, Clause]) -> _Provider:
    named, maker, fallback = rules.get("provider"), rules.get("model"), rules.get("fallback")
    return _Provider(
        id=name,
        is_named=predicate(named) if isinstance(named, dict) else None,
        is_maker_of=predicate(maker) if isinstance(maker, dict) else None,
        fallback=tuple(fallback) if isinstance(fallback, list) else (),
        models=tuple(models),
        first=FirstMatch(models.values()),
    )
