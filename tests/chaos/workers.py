"""The worker processes of a run: started, watched and started again here, so that kills and freezes are precise."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO

from deploy.local.home import ROOT
from deploy.local.installation import Installation
from deploy.local.told import Told

LOOK_SECONDS = 0.2
REST_SECONDS = 0.5
"""Between the death of a process and its successor, as with the supervisor."""
LEAVE_SECONDS = 30.0


@dataclass(slots=True)
class Slot:
    """One worker's place: its process, and whether one is wanted."""

    number: int
    version: int = 0
    """The version its rules say they are; 0: that of the code."""
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = True
    died: float = 0.0


@dataclass(slots=True)
class Workers:
    """So many workers of an installation. `rule_off` names a rule that they run without."""

    installation: Installation
    count: int
    settings: Mapping[str, str]
    rule_off: str = ""
    exits: Counter[int] = field(default_factory=Counter)
    """How processes ended, by exit status (negative: killed by that signal)."""
    _slots: list[Slot] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _watching: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._slots = [Slot(number) for number in range(self.count)]
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Starts all of them and keeps them running."""
        self._watching.start()

    def stop(self) -> None:
        """Kills all of them for good."""
        self._stopped.set()
        if self._watching.is_alive():
            self._watching.join()
        for slot in self._slots:
            slot.wanted = False
            self.kill(slot.number)
            self._end(slot)

    def kill(self, number: int) -> int:
        """SIGKILL; the successor comes by itself. Returns the process that died, 0 when none ran."""
        return self._signal(number, signal.SIGKILL)

    def kill_owner(self, partition: int) -> int:
        """SIGKILL of the worker that has this partition; 0 when nobody says that he has it."""
        for slot in self._slots:
            process, name = slot.process, self.installation.plan.worker(slot.number).name
            told = Told.read(self.installation.home.run, name, process.pid) if process else None
            if told and partition in told.partitions:
                return self.kill(slot.number)
        return 0

    def freeze(self, number: int) -> int:
        """SIGSTOP. Returns the process that froze, 0 when none ran."""
        return self._signal(number, signal.SIGSTOP)

    def thaw(self, number: int, pid: int) -> bool:
        """SIGCONT for a process that was frozen, if it still lives."""
        with self._lock:
            process = self._slots[number].process
            if process is None or process.pid != pid or process.poll() is not None:
                return False
            process.send_signal(signal.SIGCONT)
            return True

    def leave(self, number: int) -> None:
        """SIGTERM: the worker writes what it has and leaves; it stays away until `join`."""
        slot = self._slots[number]
        slot.wanted = False
        self._signal(number, signal.SIGTERM)

    def replace(self, number: int, version: int) -> None:
        """Like `leave`; who comes back says that its rules are this version."""
        self._slots[number].version = version
        self.leave(number)

    def join(self, number: int) -> None:
        """The worker comes back."""
        slot = self._slots[number]
        if not slot.wanted:
            self._end(slot)
            slot.wanted = True

    def thaw_all(self) -> None:
        """SIGCONT for everybody."""
        for slot in self._slots:
            self._signal(slot.number, signal.SIGCONT)

    def _signal(self, number: int, what: signal.Signals) -> int:
        with self._lock:
            process = self._slots[number].process
            if process is None or process.poll() is not None:
                return 0
            process.send_signal(what)
            return process.pid

    def _end(self, slot: Slot) -> None:
        process = slot.process
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            for slot in self._slots:
                with self._lock:
                    self._look(slot)

    def _look(self, slot: Slot) -> None:
        if slot.process is not None:
            status = slot.process.poll()
            if status is None:
                return
            self.exits[status] += 1
            slot.process, slot.died = None, time.monotonic()
        if slot.wanted and time.monotonic() - slot.died >= REST_SECONDS:
            slot.process = self._started(slot.number, slot.version)

    def _started(self, number: int, version: int) -> subprocess.Popen[bytes]:
        service = self.installation.plan.worker(number)
        command = [sys.executable, "-m", "tests.chaos.worker_of_run"]
        if self.rule_off:
            command = [sys.executable, "-m", "tests.chaos.worker_without", self.rule_off]
        if version:
            command = [sys.executable, "-m", "tests.chaos.worker_of_version", str(version)]
        with self._log(service.name) as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | dict(service.environment) | dict(self.settings),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _log(self, name: str) -> IO[bytes]:
        return open(self.installation.home.logs / f"{name}.log", "ab")
