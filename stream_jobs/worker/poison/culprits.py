"""Finds which events of an envelope are deadly: trials in, what must be set apart out.

A verdict needs the same end in several fresh processes, and a harmless envelope that passes before each of them: a
machine without memory or a child that cannot start convicts nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from stream_jobs.worker.poison.quarantine import WHOLE, Held, HeldRows
from stream_jobs.worker.poison.trial import Outcome, Trial
from stream_jobs.worker.take import Envelope

TRIES = 3
FAILURES_BORNE = 60
"""Failed trials after which the search for single events ends and the whole envelope is set apart."""


class Inconclusive(Exception):
    """The harmless envelope failed too: the machine is in trouble, nothing is known about the other one."""


class Tryer(Protocol):
    """Tries envelopes where they can do no harm."""

    def ask(self, trial: Trial) -> Outcome:
        """How the trial ended, death and hang included."""

    def close(self) -> None:
        """The next trial begins afresh."""


@dataclass(slots=True)
class Search:
    """Tries one envelope; `moved` is called before each trial, so that a long search does not look like a hang."""

    child: Tryer
    moved: Callable[[], None]
    failures: int = 0

    def culprits(self, envelope: Envelope, held: HeldRows) -> dict[int, Held]:
        """What is to be set apart, by position or WHOLE; nothing when the envelope passes. Raises Inconclusive."""
        outcome = self._confirmed(Trial(envelope, "take", held))
        if not outcome.failure:
            return {}
        whole = {WHOLE: Held(f"quarantined: the envelope {outcome.failure}", envelope.value)}
        if envelope.is_control:
            return whole
        counted = self._ask(Trial(envelope, "count"))
        if counted.failure or counted.answer is None:
            return whole
        everything = range(counted.answer)
        guilty = self._guilty(envelope, held, everything, everything)
        return whole if self.failures > FAILURES_BORNE else guilty or whole

    def _guilty(self, envelope: Envelope, held: HeldRows, everything: range, part: range) -> dict[int, Held]:
        """The events of a part that fail each alone; the search ends after too many failures."""
        if self.failures > FAILURES_BORNE:
            return {}
        alone = {**held, **{index: Held("") for index in everything if index not in part}}
        if len(part) > 1:
            if not self._ask(Trial(envelope, "take", alone)).failure:
                return {}
            self.failures += 1
            middle = len(part) // 2
            halves = part[:middle], part[middle:]
            found = [self._guilty(envelope, held, everything, half) for half in halves]
            return found[0] | found[1]
        outcome = self._confirmed(Trial(envelope, "take", alone))
        if not outcome.failure:
            return {}
        self.failures += 1
        raw = self._ask(Trial(envelope, "bytes", at=part[0]))
        return {part[0]: Held(f"quarantined: the event {outcome.failure}", raw.answer or b"")}

    def _confirmed(self, trial: Trial) -> Outcome:
        """The outcome; a failure only when it is repeated in fresh processes that do well otherwise."""
        outcome = self._ask(trial)
        for _ in range(TRIES - 1):
            if not outcome.failure:
                break
            self.child.close()
            if self._ask(replace(trial, question="control")).failure:
                raise Inconclusive(f"a harmless envelope fails too, after one that {outcome.failure}")
            outcome = self._ask(trial)
        return outcome

    def _ask(self, trial: Trial) -> Outcome:
        self.moved()
        return self.child.ask(trial)
