"""How a worker ends when something unexpected happens: at once, so that nothing wrong is ever written."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import structlog

from stream_jobs.logs import words_of

log = structlog.get_logger()
_last_words: list[Callable[[str], None]] = []


def say_when_leaving(word: Callable[[str], None]) -> None:
    """What is done right before the process ends here, with what it ends for."""
    _last_words.append(word)


def leave(what: str, failure: BaseException, **place: Any) -> None:
    """Ends the process at once: the supervisor starts a new one, which resumes from what is stored.

    place: the partitions and offsets in work, where the log's context does not have them.
    """
    log.critical(what, error=words_of(failure)[:2000], exc_info=failure, **place)
    for word in _last_words:
        word(what)
    os._exit(1)


def leave_on_failed_task(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's handler of exceptions: a flush that failed ends the process, others are told."""
    failure = context.get("exception")
    if failure is not None and context.get("message") == "flush failed":
        leave("flush failed", failure, work=context.get("work"))
    error = None if failure is None else words_of(failure)[:500]
    log.error("background task failed", message=context.get("message"), error=error)
