"""Structured logs: one JSON object per line on standard error, also from libraries; a traceback is one field."""

import logging
import sys
from types import TracebackType

import structlog

STAMPED = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def log_as_json() -> None:
    """Sets the process's log format; called once at start. Libraries are heard from warnings on."""
    structlog.configure(
        processors=[*STAMPED, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
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
    structlog.get_logger().critical("ended by an error", error=str(failure)[:2000], exc_info=(kind, failure, trace))
