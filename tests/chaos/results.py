"""Results of chaos runs, kept as JSON: one file per seed and length, one entry per round."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.chaos.rounds import Outcome

HEAD = (
    "seed",
    "rounds",
    "minutes",
    "events",
    "kills",
    "freezes",
    "set back",
    "rows compared",
    "rows wrong",
    "rule off",
)


@dataclass(slots=True)
class RoundResult:
    """What is kept of one round."""

    seconds: float
    events: int
    faults: dict[str, int]
    exits: dict[str, int]
    """Ends of worker processes by exit status; negative ones are signals."""
    calm_seconds: float
    rows_compared: int
    rows_wrong: int
    reconciled_rows: int
    reconciled_wrong: int
    settled: str
    words: list[str]

    @classmethod
    def of(cls, outcome: Outcome, seconds: float) -> "RoundResult":
        """The result of an outcome."""
        return cls(
            round(seconds, 1),
            outcome.events,
            dict(outcome.faults),
            {str(status): count for status, count in outcome.exits.items()},
            round(outcome.calm_seconds, 1),
            outcome.found.total_rows,
            outcome.found.total_wrong,
            outcome.reconciled_rows,
            outcome.reconciled_wrong,
            outcome.settled,
            outcome.found.words[:100],
        )

    @property
    def is_right(self) -> bool:
        """Whether everything came to rest and no row is wrong."""
        return not (self.rows_wrong or self.reconciled_wrong or self.settled)


@dataclass(slots=True)
class Result:
    """One run: how long it is to be, and the rounds that were done."""

    seed: str
    planned_minutes: float
    rule_off: str = ""
    rounds: list[RoundResult] = field(default_factory=list)

    def is_complete(self) -> bool:
        """Whether nothing is left to do: the time is over, or a round was wrong."""
        return self.minutes >= self.planned_minutes or not self.is_right

    @property
    def minutes(self) -> float:
        """How long the rounds took."""
        return sum(done.seconds for done in self.rounds) / 60

    @property
    def is_right(self) -> bool:
        """Whether no round was wrong."""
        return all(done.is_right for done in self.rounds)

    @property
    def faults(self) -> Counter[str]:
        """Faults by kind over all rounds."""
        total: Counter[str] = Counter()
        for done in self.rounds:
            total.update(done.faults)
        return total

    def cells(self) -> tuple[str, ...]:
        """One line of the table."""
        faults = self.faults
        kills = {name.removeprefix("kill "): count for name, count in faults.items() if name.startswith("kill ")}
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(kills.items(), key=lambda item: -item[1]))
        return (
            self.seed,
            f"{len(self.rounds)}",
            f"{self.minutes:.1f} of {self.planned_minutes:g}",
            f"{sum(done.events for done in self.rounds):,}",
            f"{sum(kills.values())} ({kinds})",
            f"{faults['freeze worker'] + faults['pause worker']}",
            f"{faults['set warehouse back']}",
            f"{sum(done.rows_compared + done.reconciled_rows for done in self.rounds):,}",
            f"{sum(done.rows_wrong + done.reconciled_wrong for done in self.rounds):,}"
            + "".join(f" ({done.settled})" for done in self.rounds if done.settled),
            self.rule_off or "none",
        )

    def write(self, path: Path) -> None:
        """Keeps the result, replacing what was known at once."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=1))
        fresh.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Result":
        """A kept result."""
        told = json.loads(path.read_text())
        told["rounds"] = [RoundResult(**done) for done in told["rounds"]]
        return cls(**told)


def table(results: Iterable[Result]) -> str:
    """All results as text, one line each."""
    lines = [HEAD, *(result.cells() for result in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
