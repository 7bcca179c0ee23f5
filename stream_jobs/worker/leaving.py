"""How a worker ends when something unexpected happens: at once, so that nothing wrong is ever written."""

import asyncio
import os
from typing import Any

import structlog

log = structlog.get_logger()


def leave(what: str, failure: BaseException, **place: Any) -> None:
    """Ends the process at once: the supervisor starts a new one, which resumes from what is stored.

    place: the partitions and offsets in work, where the log's context does not have them.
    """
    log.critical(what, error=repr(failure)[:2000], exc_info=failure, **place)
    os._exit(1)


def leave_on_failed_task(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's handler of exceptions: a flush that failed ends the process, others are told."""
    failure = context.get("exception")
    if failure is not None and context.get("message") == "flush failed":
        leave("flush failed", failure, work=context.get("work"))
    log.error("background task failed", message=context.get("message"), error=repr(failure)[:500])
