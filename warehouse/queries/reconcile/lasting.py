"""Differences that stay: a comparison is asked again until what a flush in between explains has vanished."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from warehouse.queries.reconcile.difference import Comparison, Difference

ATTEMPTS = 5
PAUSE_SECONDS = 0.4
"""Before the second attempt; doubled before each further one."""


@dataclass(slots=True)
class Lasting:
    """Asks the same comparison several times; `pause` is given seconds."""

    attempts: int = ATTEMPTS
    pause: Callable[[float], None] = time.sleep

    def of(self, compare: Callable[[], Comparison]) -> Comparison:
        """The comparison without passing differences.

        A statement reads its tables one after the other, so that a flush or a derivation in between looks like a
        difference. The next attempt begins after it and sees both sides; should another one come in between, it is off
        by other numbers. So a difference counts when the same row is off by the same numbers twice in a row, and up to
        the last attempt.
        """
        comparison = compare()
        known: set[object] | None = None
        for attempt in range(1, self.attempts):
            if not comparison.differing:
                break
            known = {found.gap for found in comparison.differences}
            self.pause(PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(1.0, 1.5))
            comparison = compare()
            if attempt >= 2 and _all_known(comparison, known):
                break
        return comparison if known is None else _confirmed(comparison, known)


def _all_known(comparison: Comparison, known: set[object]) -> bool:
    return all(found.gap in known for found in comparison.differences)


def _confirmed(comparison: Comparison, known: set[object]) -> Comparison:
    passing = [found for found in comparison.differences if found.gap not in known]
    if not passing or comparison.differing > len(comparison.differences):
        return comparison
    kept: tuple[Difference, ...] = tuple(found for found in comparison.differences if found.gap in known)
    differing = comparison.differing - len(passing)
    return replace(comparison, differing=differing, differences=kept, places=comparison.places if kept else frozenset())
