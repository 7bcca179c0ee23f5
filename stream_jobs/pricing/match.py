"""Matching rules of the catalogue: a JSON clause in, a predicate over lower-case text out."""

import re
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, TypeAlias

from stream_jobs.pricing.errors import PriceListRefused

Clause: TypeAlias = Mapping[str, Any]
Predicate: TypeAlias = Callable[[str], bool]
MAX_NESTED: Final = 50
"""How deep `or` and `and` may lie in one another; nobody means more, and Python follows no more than about 900."""

_SHORT: Final = reprlib.Repr()
_SHORT.maxstring = 80


def predicate(clause: object, nested: int = 0) -> Predicate:
    """The clause as a function of lower-case text. nested: in how many others it lies.

    Raises PriceListRefused for what is no clause of a known kind.
    """
    if nested > MAX_NESTED:
        raise PriceListRefused(f"matching rule of more than {MAX_NESTED} `or` and `and` in one another; write it flat")
    if isinstance(clause, Mapping) and len(clause) == 1:
        ((kind, operand),) = clause.items()
        if kind in ("or", "and") and isinstance(operand, list):
            return _combined(kind, [predicate(part, nested + 1) for part in operand])
        if isinstance(operand, str) and (found := _simple(kind, operand)):
            return found
    raise PriceListRefused(
        f"matching rule {_SHORT.repr(clause)} is not one of equals, starts_with, ends_with, contains, regex, or, and; "
        'write one such as {"equals": "gpt-4o"}'
    )


def _combined(kind: str, parts: list[Predicate]) -> Predicate:
    if kind == "or":
        return lambda text: any(part(text) for part in parts)
    return lambda text: all(part(text) for part in parts)


def _simple(kind: str, operand: str) -> Predicate | None:
    lowered = operand.lower()
    if kind == "equals":
        return lambda text: text == lowered
    if kind == "starts_with":
        return lambda text: text.startswith(lowered)
    if kind == "ends_with":
        return lambda text: text.endswith(lowered)
    if kind == "contains":
        return lambda text: lowered in text
    if kind == "regex":
        try:
            search = re.compile(operand).search
        except (re.error, RecursionError, OverflowError) as problem:
            raise PriceListRefused(
                f"matching rule regex {_SHORT.repr(operand)} does not compile: {problem}"
            ) from problem
        return lambda text: search(text) is not None
    return None


class FirstMatch:
    """The first of many clauses that a text satisfies, without trying them all: plain equality is a dict lookup."""

    def __init__(self, clauses: Iterable[Clause]) -> None:
        self._exact: dict[str, list[int]] = {}
        self._others: list[tuple[int, Predicate]] = []
        self._count = 0
        for clause in clauses:
            self.add(clause)

    def add(self, clause: Clause) -> None:
        """One more, behind all others. Raises PriceListRefused for a clause of no known kind."""
        alternatives = clause["or"] if set(clause) == {"or"} else [clause]
        for alternative in alternatives:
            if set(alternative) == {"equals"}:
                self._exact.setdefault(str(alternative["equals"]).lower(), []).append(self._count)
            else:
                self._others.append((self._count, predicate(alternative)))
        self._count += 1

    def find(self, text: str, skipped: Collection[int] = ()) -> int | None:
        """Position of the first satisfied clause but for the skipped ones, None when there is none."""
        exact = next((position for position in self._exact.get(text, ()) if position not in skipped), None)
        for position, satisfied in self._others:
            if exact is not None and position > exact:
                break
            if position not in skipped and satisfied(text):
                return position
        return exact
