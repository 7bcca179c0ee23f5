"""Gets a round's control records into the log, by a process of its own that dies where it is told, or by forgers."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error
from confluent_kafka import Producer

from deploy.local.home import ROOT
from deploy.local.installation import Installation
from producers.control.record import CONTROL, HEADER_KIND, HEADER_SIGNATURE, ControlRecord, signature
from tests.chaos.clock import Clock
from tests.chaos.controls import Asked
from tests.chaos.revisions import Revisions
from tokentally import partition_of

LOOK_SECONDS = 0.5
LATE_SECONDS = 3.0
"""How long after its record a revision is stored, when that is late."""
AUTHOR, FOREIGN_KEY = "chaos", b"a key of nobody here"


@dataclass(slots=True)
class Publishing:
    """A queue of records, and the process that publishes them. client: of this object alone."""

    installation: Installation
    client: Client
    revisions: Revisions
    key: bytes
    clock: Clock
    done: Counter[str] = field(default_factory=Counter)
    """Records by kind, and deaths of publishers."""
    _asked: queue.Queue[Asked] = field(default_factory=queue.Queue)
    _process: subprocess.Popen[bytes] | None = None
    _producer: Producer = field(init=False)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _working: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": self.installation.plan.kafka_bootstrap, "log_level": 0})
        self._working = threading.Thread(target=self._work, daemon=True)
        self._working.start()

    def ask(self, asked: Asked) -> None:
        """Wants a record in the log; returns at once."""
        self._asked.put(asked)

    def kill(self) -> bool:
        """SIGKILL of the publisher, whatever it does; a successor comes."""
        process = self._process
        if process is None or process.poll() is not None:
            return False
        process.kill()
        return True

    def is_idle(self) -> bool:
        """Whether nothing waits."""
        return self._asked.unfinished_tasks == 0

    def stop(self) -> None:
        """Ends everything."""
        self._stopped.set()
        self.kill()
        self._working.join()
        self._bury()
        self._producer.flush(20)
        self.client.close()

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                asked = self._asked.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                self._insist(self.revisions.keep)
                self._running()
                continue
            self._do(asked)
            self._asked.task_done()

    def _do(self, asked: Asked) -> None:
        self.done[f"{asked.body.get('subject', asked.kind)} record"] += not asked.forged
        self.done["forged record"] += bool(asked.forged)
        revision = asked.revision
        if revision and not asked.stored_late:
            self._insist(lambda: self.revisions.store(revision))
        if asked.forged:
            self._forge(asked)
        else:
            self._publish(asked)
        if revision and asked.stored_late:
            self._stopped.wait(LATE_SECONDS)
            self._insist(lambda: self.revisions.store(revision))

    def _publish(self, asked: Asked) -> None:
        """Returns when it is published, or its publisher died where it was told: the next one finishes what is stored.

        Whoever loses his publisher otherwise asks again, which is the same request.
        """
        told = {"control_id": asked.control_id, "kind": asked.kind, "organization": asked.organization}
        told |= {"author": AUTHOR, "note": "", "die": asked.die}
        line = json.dumps(told | {"content": self._content(asked)}).encode() + b"\n"
        while not self._stopped.is_set():
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(line)
                process.stdin.flush()
            if process.stdout.readline():
                return
            if process.wait() == -signal.SIGKILL and asked.die:
                return

    def _content(self, asked: Asked) -> dict[str, object]:
        hashed = {"content_hash": self.revisions.hash_of(asked.revision)} if asked.revision else {}
        return asked.body | hashed

    def _forge(self, asked: Asked) -> None:
        """Writes a record that the contract does not allow straight to the log."""
        count = self.installation.settings.partitions
        home = partition_of(asked.organization, count)
        signed_for = (home + 1) % count if asked.forged == "another partition" else home
        record = ControlRecord(
            asked.control_id, asked.kind, asked.organization, asked.body, AUTHOR, "", datetime.now(UTC)
        )
        value = record.value(signed_for)
        signed = signature(value, FOREIGN_KEY if asked.forged == "another key" else self.key)
        headers: list[tuple[str, str | bytes | None]] = [(HEADER_KIND, CONTROL)]
        if asked.forged != "unsigned":
            headers.append((HEADER_SIGNATURE, signed))
        topic, now_ms = self.installation.settings.events_topic, self.clock.now_ms()
        self._producer.produce(topic, value, partition=home, headers=headers, timestamp=now_ms)
        self._producer.poll(0)

    def _running(self) -> subprocess.Popen[bytes]:
        process = self._process
        if process is not None and process.poll() is None:
            return process
        self._bury()
        with open(self.installation.home.logs / "publisher.log", "ab") as log:
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.dying_publisher"],
                cwd=ROOT,
                env=os.environ | self.installation.plan.environment("publisher") | self.clock.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        return process

    def _bury(self) -> None:
        """Leaves nothing of a dead process behind."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        self.done["kill publisher"] += 1
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _insist(self, act: Callable[[], object]) -> None:
        while not self._stopped.is_set():
            try:
                act()
            except (Error, OSError):
                time.sleep(LOOK_SECONDS)
            else:
                return
