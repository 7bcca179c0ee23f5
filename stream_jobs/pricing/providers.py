"""Where a name is looked for: an event's provider and model in, providers and spellings out, the best place first.

The rules are genai-prices' own, with route prefixes (`openrouter/…`, `azure/…`, `bedrock/…`) on top. Letter case and
outer blanks never matter. Which models a provider has does not matter here, so that many lists share one of these.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from stream_jobs.pricing.match import Predicate, predicate
from stream_jobs.pricing.price_row import PriceRow
from stream_jobs.pricing.provider_names import usual_id

_COMPACT_DATE: Final = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")
_ROUTE: Final = re.compile(r"^(models/|publishers/[^/]+/models/|converse/|invoke/|[a-z]{2}(-[a-z]+)+-\d+/)")
_MAX_PREFIXES: Final = 4
_ROUTER: Final = "litellm"
"""Names itself where others name the provider; it sells nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """A provider (its id, or the name of a fallback that is not known), and the spelling to look for among its models.

    rule: how it came to this place, for people who ask why. sold_by: who sells the model, where that is another one.
    """

    provider: str
    text: str
    rule: str
    sold_by: str = ""


@dataclass(frozen=True, slots=True)
class _Provider:
    id: str
    is_named: Predicate | None
    is_maker_of: Predicate | None
    fallback: tuple[str, ...]
    means: str = ""
    """Whose name it would be by that one's rule, had it no prices of its own: all else is looked for there."""

    def is_alike(self, other: "_Provider") -> bool:
        """Whether both are the same provider, or one has prices of its own beside the other's."""
        return self is other or self.means == other.id or other.means == self.id


class Providers:
    """Compiled rules of providers. Nothing of it changes."""

    def __init__(self, rows: Iterable[PriceRow], known: "Providers | None" = None) -> None:
        """The providers that `rows` name, in their order, behind those that are known already: a provider's rules are
        in its row without a model. One without rules is a provider of its own unless its name is another's, in any
        letter case or as `provider_names` has it; a name that only a rule takes for another's (`my-openai-gateway`)
        has prices of its own before that one's. Raises PriceListRefused for a rule of no known kind.
        """
        rules: dict[str, Mapping[str, Any]] = {}
        others: dict[str, None] = {}
        for row in rows:
            if not row.model:
                rules[row.provider] = json.loads(row.match or "{}")
            else:
                others[row.provider] = None
        compiled = {name: _compiled(name, of) for name, of in rules.items()}
        self._providers: Final[dict[str, _Provider]] = {**(known._providers if known else {}), **compiled}
        self._by_id: Final[dict[str, _Provider]] = {}
        for provider in self._providers.values():
            self._by_id.setdefault(provider.id.lower(), provider)
        for name in others:
            text = name.strip().lower()
            if self._exact(text) is None:
                meant = self._provider(text)
                own = _compiled(name, {}, "" if meant is None else meant.means or meant.id)
                self._providers[name] = self._by_id[text] = own

    def __contains__(self, provider: str) -> bool:
        """Whether this is the id of a provider."""
        return provider in self._providers

    def with_rows(self, rows: Iterable[PriceRow]) -> "Providers":
        """These and what the rows say of providers beside them; itself when that is nothing."""
        news = [row for row in rows if not row.model or row.provider not in self]
        return Providers(news, self) if news else self

    def id_of(self, provider: str) -> str:
        """The provider that this text means, in lower case the text when none does; empty where it names none."""
        named = provider.strip().lower()
        found = self._provider(named) if named else None
        if found is None:
            return "" if named == _ROUTER else named
        return found.means or found.id

    def called(self, provider: str) -> str:
        """The id of the provider whose name this text is, spelled in any way; the text without outer blanks when it is
        none's."""
        name = provider.strip()
        found = self._exact(name.lower()) if name else None
        return name if found is None else found.id

    def seller(self, model: str) -> str:
        """Who sells a model that no entry has, by its outermost prefix or by its maker's rule; empty: nobody knows."""
        text = model.strip().lower()
        prefix, _ = next(self._prefixes(None, text), (None, text))
        found = prefix or self._maker(text)
        return "" if found is None else found.id

    def bare(self, provider: str, model: str) -> str:
        """The model in lower case without prefixes that only repeat who sells it."""
        named, rest = provider.strip().lower(), model.strip().lower()
        seller = given = self._provider(named) if named else None
        for reached, behind in self._prefixes(given, rest):
            seller = seller or reached
            if not reached.is_alike(seller):
                break
            rest = behind
        return rest

    def places(self, provider: str, model: str) -> Iterator[Place]:
        """Where to look for a model; either text may be empty."""
        named, text = provider.strip().lower(), model.strip().lower()
        if not text:
            return
        given = self._provider(named) if named else None
        if given is not None:
            yield from self._at(given, text, "provider and model")
        # `azure/gpt-4o` is gpt-4o at Azure.
        for reached, rest in self._prefixes(given, text):
            yield from self._at(reached, rest, f"prefix {text.removesuffix(rest)}")
        if not self.id_of(provider) and (maker := self._maker(text)) is not None:
            yield from self._at(maker, text, "model alone")

    def _maker(self, text: str) -> _Provider | None:
        return next((p for p in self._providers.values() if p.is_maker_of is not None and p.is_maker_of(text)), None)

    def _prefixes(self, given: _Provider | None, text: str) -> Iterator[tuple[_Provider, str]]:
        """The provider that each prefix names, the outermost first, and the text behind it.

        A prefix that contradicts the event's own provider is no prefix.
        """
        reached, rest = given, text
        for _ in range(_MAX_PREFIXES):
            if reached is not None and (route := _ROUTE.match(rest)):
                rest = rest[route.end() :]
            else:
                head, slash, rest = rest.partition("/")
                prefix = self._provider(head) if slash and head else None
                if prefix is None or (given is not None and not prefix.is_alike(given)):
                    return
                reached = prefix
            yield reached, rest

    def _provider(self, named: str) -> _Provider | None:
        if exact := self._exact(named):
            return exact
        return next((p for p in self._providers.values() if p.is_named is not None and p.is_named(named)), None)

    def _exact(self, named: str) -> _Provider | None:
        return self._by_id.get(named) or self._by_id.get(usual_id(named))

    def _at(self, provider: _Provider, text: str, rule: str) -> Iterator[Place]:
        """The provider itself, those whose models it also serves, and the one that its name means, in their order."""
        yield from self._of(provider, text, rule)
        if provider.means:
            yield from self._of(self._by_id[provider.means.lower()], text, rule)

    def _of(self, provider: _Provider, text: str, rule: str) -> Iterator[Place]:
        dashed = _COMPACT_DATE.sub(_dashed_date, text)
        for spelling, suffix in ((text, ""), (dashed, ", date with dashes")):
            if suffix and spelling == text:
                return
            yield Place(provider.id, spelling, rule + suffix)
            for name in provider.fallback:
                other = self._by_id.get(name)
                by = f"{rule}, sold by {provider.id}{suffix}"
                yield Place(name if other is None else other.id, spelling, by, sold_by=provider.id)


def _compiled(name: str, rules: Mapping[str, Any], means: str = "") -> _Provider:
    named, maker, fallback = rules.get("provider"), rules.get("model"), rules.get("fallback")
    return _Provider(
        id=name,
        is_named=predicate(named) if isinstance(named, dict) else None,
        is_maker_of=predicate(maker) if isinstance(maker, dict) else None,
        fallback=tuple(fallback) if isinstance(fallback, list) else (),
        means=means,
    )


def _dashed_date(found: re.Match[str]) -> str:
    year, month, day = (int(part) for part in found.groups())
    try:
        return f"-{date(year, month, day).isoformat()}"
    except ValueError:
        return found.group(0)
