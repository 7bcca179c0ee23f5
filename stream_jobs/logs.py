"""Structured logs: one JSON object per line on standard error, also from libraries; a traceback is one field.

What the warehouse says of a failure may quote a statement or a row: it is logged without the literals (rule E24).
"""

import logging
import re
import sys
from types import TracebackType
from typing import Any, Final

import structlog

from warehouse.errors import WarehouseError
from warehouse.literals import masked

STAMPED = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_OF_WAREHOUSE: Final = re.compile(
    r"^(?:warehouse\.errors|clickhouse_connect)\.[^\n]*(?:\n(?!\s|Traceback |During |The above )[^\n]*)*", re.MULTILINE
)
"""What an exception of the warehouse says at the end of its traceback."""


def words_of(failure: BaseException) -> str:
    """What a failure says, for a log."""
    if isinstance(failure, WarehouseError):
        return f"{type(failure).__name__}: {masked(str(failure))}"
    return repr(failure)


def without_literals(_logger: Any, _method: str, line: Any) -> Any:
    """The line with a traceback that quotes nothing of the warehouse's."""
    if isinstance(trace := line.get("exception"), str):
        line["exception"] = _OF_WAREHOUSE.sub(lambda said: masked(said[0]), trace)
    return line


def log_as_json() -> None:
    """Sets the process's log format; called once at start. Libraries are heard from warnings on."""
    structlog.configure(
        processors=[
            *STAMPED,
            structlog.processors.format_exc_info,
            without_literals,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    heard = logging.StreamHandler(sys.stderr)
    heard.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*STAMPED, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_literals,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[heard], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def _log_uncaught(kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    error = words_of(failure) if isinstance(failure, WarehouseError) else str(failure)
    structlog.get_logger().critical("ended by an error", error=error[:2000], exc_info=(kind, failure, trace))
