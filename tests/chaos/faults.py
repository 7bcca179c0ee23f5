"""What goes wrong in a round: a seed in, a plan of faults out, and each of them done to a stage."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from stream_jobs.worker.settings import LOGIC_VERSION
from tests.chaos.publishing import Publishing
from tests.chaos.stage import SESSION_SECONDS, WORKERS, Stage

WEIGHTS = {
    "kill worker": 12,
    "kill two workers": 3,
    "kill all workers": 1,
    "freeze worker": 3,
    "pause worker": 2,
    "kill warehouse": 3,
    "kill broker": 2,
    "leave and join": 2,
    "kill worker and warehouse": 1,
    "kill worker and broker": 1,
    "ask for repairs": 2,
    "kill worker in a job": 4,
    "pause jobs": 1,
    "cancel a job": 5,
    "kill publisher": 1,
}
PAUSE_SECONDS = (4.5, 10.0)
AWAY_SECONDS = (1.0, 12.0)
JOB_SECONDS = 3.0
"""How long a job is waited for, to kill a worker in it or to cancel it."""
NEXT_VERSION = LOGIC_VERSION + 1


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault: the second of the round, what it is, the workers it meets, how long it lasts, and what else is chance
    (0 to 1)."""

    at_seconds: float
    kind: str
    workers: tuple[int, ...] = ()
    seconds: float = 0.0
    chance: float = 0.0


def plan(seed: str, round_number: int, seconds: float) -> list[Fault]:
    """The faults of a round. In most of them the warehouse is also copied and later set back to that copy."""
    made, faults = random.Random(f"faults {seed} {round_number}"), list[Fault]()
    at = made.uniform(3, 6)
    while at < seconds - 3:
        kind = made.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        everyone = made.sample(range(WORKERS), WORKERS)
        count = {"kill two workers": 2, "kill all workers": WORKERS}.get(kind, 1)
        length = made.uniform(*AWAY_SECONDS)
        if kind == "freeze worker":
            length = SESSION_SECONDS + made.uniform(2, 6)
        if kind == "pause worker":
            length = made.uniform(0.5, 3)
        faults.append(Fault(at, kind, tuple(everyone[:count]), length, made.random()))
        at += made.uniform(*PAUSE_SECONDS)
    if made.random() < 0.7:
        faults.append(Fault(seconds * made.uniform(0.1, 0.4), "copy warehouse"))
        faults.append(Fault(seconds * made.uniform(0.6, 0.95), "set warehouse back"))
    return sorted(faults)


@dataclass(slots=True)
class Doer:
    """Does faults to a stage and remembers which were done, and what must be undone when."""

    stage: Stage
    publishing: Publishing
    done: Counter[str] = field(default_factory=Counter)
    _undo: list[tuple[float, str, int, int]] = field(default_factory=list)

    def run(self, faults: list[Fault]) -> Iterator[float]:
        """Gives the second of the next thing to do, and does it when asked to go on."""
        waiting = list(faults)
        while waiting or self._undo:
            if not waiting or (self._undo and self._undo[0][0] <= waiting[0].at_seconds):
                at, kind, number, pid = self._undo.pop(0)
                yield at
                self._end(kind, number, pid)
            else:
                fault = waiting.pop(0)
                yield fault.at_seconds
                self._begin(fault)

    def _begin(self, fault: Fault) -> None:
        stage, workers = self.stage, self.stage.workers
        match fault.kind:
            case "freeze worker" | "pause worker":
                for number in fault.workers:
                    if pid := workers.freeze(number):
                        self.done[fault.kind] += 1
                        self._later(fault, "thaw", number, pid)
            case "leave and join":
                workers.leave(fault.workers[0])
                self._later(fault, "join", fault.workers[0])
                self.done[fault.kind] += 1
            case "new version":
                workers.replace(fault.workers[0], NEXT_VERSION)
                self._later(fault, "join", fault.workers[0])
                self.done[fault.kind] += 1
            case "copy warehouse":
                stage.back_up()
                self.done[fault.kind] += 1
            case "ask for repairs":
                self.done[fault.kind] += stage.ask_for_repairs()
            case "kill worker in a job" | "pause jobs" | "cancel a job" | "kill publisher":
                self._disturb_jobs(fault)
            case "set warehouse back" if stage.has_copy:
                stage.set_back()
                self.done[fault.kind] += 1
            case _:
                self._kill(fault)

    def _disturb_jobs(self, fault: Fault) -> None:
        match fault.kind:
            case "kill worker in a job":
                self.done[fault.kind] += self.stage.kill_worker_in_job(JOB_SECONDS)
            case "pause jobs":
                self.done[fault.kind] += self.stage.pause_jobs()
                self._later(fault, "resume jobs", 0)
            case "cancel a job":
                self.done[fault.kind] += self.stage.cancel_job(fault.chance, JOB_SECONDS)
            case _:
                self.publishing.kill()

    def _kill(self, fault: Fault) -> None:
        if "worker" in fault.kind:
            self.done["kill worker"] += sum(bool(self.stage.workers.kill(number)) for number in fault.workers)
        if fault.kind.endswith("warehouse"):
            self.done["kill warehouse"] += self.stage.kill("warehouse")
        if fault.kind.endswith("broker"):
            self.done["kill broker"] += self.stage.kill("kafka")

    def _later(self, fault: Fault, kind: str, number: int, pid: int = 0) -> None:
        self._undo.append((fault.at_seconds + fault.seconds, kind, number, pid))
        self._undo.sort()

    def _end(self, kind: str, number: int, pid: int) -> None:
        if kind == "thaw":
            self.stage.workers.thaw(number, pid)
        elif kind == "resume jobs":
            self.stage.resume_jobs()
        else:
            self.stage.workers.join(number)
