"""A program that reads the topic beside our worker: started, watched through what it prints, stopped."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.local.home import ROOT
from deploy.local.installation import Installation
from tests.benchmarks.environments import python_of
from tests.benchmarks.figures import Figures
from tests.benchmarks.machine import Meter
from tests.benchmarks.peers.work import COUNT
from tests.benchmarks.scene import pid_of

START_SECONDS = 90.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Contender:
    """One peer: what it is called, its program, and what must be said about the comparison."""

    name: str
    module: str
    does: str
    leaves_out: str
    own_environment: bool = True
    """False: it runs in the project's environment."""

    def measured(self, installation: Installation, events: int, seconds: float) -> Figures:
        """Lets it read the topic of `events` events for at most these seconds from its first progress on."""
        with tempfile.TemporaryDirectory(prefix="tally-peer-") as folder:
            log = Path(folder, "log")
            command = [*self._command(installation), folder]
            environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
            environment |= {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "producers/sdk/src")))}
            with (
                log.open("w") as errors,
                subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdout=errors, stderr=subprocess.STDOUT
                ) as process,
            ):
                try:
                    figures = _watched(process, Path(folder, COUNT), pid_of(installation, "kafka"), events, seconds)
                finally:
                    _stop(process)
            if figures is None:
                raise SystemExit(
                    f"{self.name} counted nothing within {START_SECONDS:.0f} s:\n{log.read_text()[-2000:]}"
                )
        return figures

    def _command(self, installation: Installation) -> list[str]:
        python = python_of("peers") if self.own_environment else sys.executable
        settings = installation.settings
        return [
            *(python, "-m", f"tests.benchmarks.peers.{self.module}"),
            *(installation.plan.kafka_bootstrap, settings.events_topic, str(settings.partitions)),
        ]


def _watched(
    process: "subprocess.Popen[bytes]", count: Path, kafka: int, events: int, seconds: float
) -> Figures | None:
    """From its first count to the last within the time; None when it ends or idles before."""
    meter, first, newest, figures = None, 0, 0, None
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None and newest < events:
        time.sleep(LOOK_SECONDS)
        newest = int.from_bytes(count.read_bytes()) if count.exists() else 0
        if newest and meter is None:
            meter, first = Meter({"peer": process.pid, "kafka": kafka}), newest
            deadline = time.monotonic() + seconds
        elif meter is not None and newest > first:
            figures = Figures.of(meter, newest - first)
    return figures


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
