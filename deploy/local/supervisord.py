"""`python -m deploy.local.supervisord`: supervisord with a bounded pause between restarts.

Its own pause grows by a second with every quick exit, without an end: a worker that poison ended a hundred times would
stay away for minutes when it might go on at once.
"""

import time
from typing import Any

from supervisor import supervisord
from supervisor.process import Subprocess
from supervisor.states import ProcessStates

LONGEST_PAUSE_SECONDS = 10

_change_state = Subprocess.change_state


def change_state(process: Any, new_state: int, expected: bool = True) -> Any:
    """Supervisor's own, and a pause of at most LONGEST_PAUSE_SECONDS; it never gives up, which needs a count."""
    changed = _change_state(process, new_state, expected)
    if new_state == ProcessStates.BACKOFF:
        process.backoff = min(process.backoff, LONGEST_PAUSE_SECONDS)
        process.delay = min(process.delay, time.time() + LONGEST_PAUSE_SECONDS)
    return changed


def main() -> None:
    """Runs supervisord with its usual arguments."""
    Subprocess.change_state = change_state
    supervisord.main()


if __name__ == "__main__":
    main()
