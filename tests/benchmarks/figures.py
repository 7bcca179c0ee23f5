"""What one run showed: events and seconds, CPU of every process in it, what others used and what was stolen."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.benchmarks.machine import Meter


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one run. cpu_seconds and memory_mb: by process. others_cores: what processes beside it used."""

    events: int
    seconds: float
    cpu_seconds: Mapping[str, float]
    memory_mb: Mapping[str, int]
    stolen: float
    others_cores: float

    @classmethod
    def of(cls, meter: Meter, events: int) -> "Figures":
        """What the meter counted while these events went through."""
        return cls(events, meter.seconds, meter.cpu(), meter.memory_mb(), meter.stolen_share(), meter.others_cores())

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    @property
    def cpu_per_million(self) -> float:
        """CPU seconds per million events, all processes."""
        return sum(self.cpu_seconds.values()) / self.events * 1e6

    def lines(self) -> list[str]:
        """For people."""
        millions = self.events / 1e6
        each = ", ".join(f"{name} {used / millions:.1f}" for name, used in self.cpu_seconds.items())
        return [
            f"{self.rate:,.0f} events/s over {self.events:,} events in {self.seconds:.1f} s",
            f"CPU seconds per million events: {self.cpu_per_million:.1f} ({each})",
            f"memory MB: {dict(self.memory_mb)}",
            f"stolen by the hypervisor: {self.stolen:.1%}; used by other processes: {self.others_cores:.2f} cores",
        ]


def bar(name: str, value: float, wanted: float, *, most: bool = False, form: str = ",.0f") -> str:
    """One line that holds a figure against what it should be; most: it should be no greater."""
    reached = value <= wanted if most else value >= wanted
    relation = "at most" if most else "at least"
    return f"{'reached' if reached else 'MISSED '}  {name}: {value:{form}}, wanted {relation} {wanted:{form}}"
