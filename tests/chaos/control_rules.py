"""How a worker goes without one of the rules about control records (E16, E19 to E25); for tests only."""

from collections.abc import Callable, Sequence
from typing import Any

from producers.control.record import read_record, signature
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.erasure.erasure import Erasure
from stream_jobs.jobs import rewriting
from stream_jobs.pricing.load import newest_revision
from stream_jobs.worker import control, rules, statements
from stream_jobs.worker.control import Controls
from tests.chaos.replacing import replace

NOTHING = " LIMIT 0"


def without_signature() -> None:
    """Whoever writes to the log may correct it (rule E19)."""
    replace(control, "read_record", lambda value, _, key, place: read_record(value, signature(value, key), key, place))


def without_repeats() -> None:
    """The same record again is done again (rule E19)."""

    async def never(*_: object) -> bool:
        return False

    replace(Controls, "_is_repeated", never)


def without_check_in_force() -> None:
    """Prices that the log does not know yet may be taken (rule E25)."""
    replace(Controls, "_check_in_force", lambda *_: None)


def without_final() -> None:
    """Repricing finds every version of an event that was ever written (rule E25)."""
    for name in ("to_price", "rewritten", "kept", "rows_per_quarter"):
        replace(rewriting, name, _without(" FINAL", getattr(rewriting, name)))


def with_revisions_of_the_start() -> None:
    """The newest revision when the process starts is in force (rule E21)."""
    replace(rules, "oldest_revision", newest_revision)
    replace(Controls, "_switch", lambda *_: None)


def without_awaited_events() -> None:
    """What is said of events that have not come is forgotten (rule E23)."""
    replace(Controls, "_await", lambda *_: None)


def with_switches_in_memory() -> None:
    """Which revision is in force is only known to the process (rule E21)."""
    _read_nothing("revisions_in_force")


def with_awaited_in_memory() -> None:
    """Which events are awaited is only known to the process (rule E23)."""
    _read_nothing("awaited_events")


def with_jobs_in_memory() -> None:
    """A job is done by the process that read its record, or by nobody (rule E20)."""
    known: list[str] = ["00000000-0000-0000-0000-000000000000"]
    made, open_jobs = control._job, statements.open_jobs

    def noted(partition: Any, record: Any, envelope: Any) -> Any:
        known.append(record.control_id)
        return made(partition, record, envelope)

    def mine(partitions: Sequence[int]) -> str:
        ids = ", ".join(f"toUUID('{each}')" for each in known)
        return open_jobs(partitions).replace(" ORDER BY", f" AND control_id IN ({ids}) ORDER BY")

    replace(control, "_job", noted)
    replace(statements, "open_jobs", mine)


def without_tombstones() -> None:
    """Nothing stays of erased events (rule E16)."""
    replace(Tombstones, "learn", lambda *_: None)


def without_second_sweep() -> None:
    """What is written late stays (rule E24)."""
    replace(Erasure, "sweep", lambda *_: 0)


def _without(words: str, statement: Callable[..., str]) -> Callable[..., str]:
    return lambda *asked: statement(*asked).replace(words, "")


def _read_nothing(name: str) -> None:
    whole = getattr(statements, name)
    replace(statements, name, lambda *asked: whole(*asked) + NOTHING)


CONTROL_RULES: dict[str, Callable[[], None]] = {
    "signature": without_signature,
    "repeated-records": without_repeats,
    "only-in-force": without_check_in_force,
    "reprice-reads-final": without_final,
    "revision-from-the-log": with_revisions_of_the_start,
    "awaited-events": without_awaited_events,
    "stored-switches": with_switches_in_memory,
    "stored-awaited-events": with_awaited_in_memory,
    "stored-jobs": with_jobs_in_memory,
    "tombstones": without_tombstones,
    "second-sweep": without_second_sweep,
}
"""What can be switched off, by the name of what then is missing."""
