"""`record()` without a client of one's own: the address and key of the environment, one client per process."""

import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

from .client import Client

logger = logging.getLogger("tokentally")


def record(**fields: Any) -> str:
    """Records one event through the process's client, see `Client.record`.

    The collector is TALLY_URL, the key TALLY_KEY or the content of the file TALLY_KEY_FILE. When they are missing or
    wrong that is logged once, and events are ignored: the return value is then "".
    """
    client = default_client()
    return client.record(**fields) if client else ""


def flush(timeout_seconds: float = 5.0) -> bool:
    """Waits until everything recorded so far is sent or given up; False when time runs out first."""
    client = default_client()
    return client.flush(timeout_seconds) if client else True


@cache
def default_client() -> Client | None:
    """The client of the environment, made at the first use; None, with the reason in the log, when there is none."""
    try:
        return Client(_required("TALLY_URL"), _key())
    except (ValueError, OSError) as problem:
        logger.error("usage is not recorded: %s", problem)
        return None


def _key() -> str:
    key_file = os.environ.get("TALLY_KEY_FILE", "")
    return Path(key_file).read_text(encoding="utf-8").strip() if key_file else _required("TALLY_KEY")


def _required(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise ValueError(f"the environment variable {name} is not set")
    return value
