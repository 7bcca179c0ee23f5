"""Every line of a stream job is one JSON object: ours, a library's, and the last words of a process."""

import json
import subprocess
import sys
from typing import Any

from deploy.local.home import ROOT

SAYS = """
import logging, structlog
from stream_jobs.logs import log_as_json
log_as_json()
structlog.get_logger().warning("ours", partition=3, offset=1042)
logging.getLogger("aiokafka").warning("Heartbeat %s", "failed")
logging.getLogger("aiokafka").info("not heard")
raise RuntimeError("the end")
"""


def test_all_lines_are_objects() -> None:
    result = subprocess.run([sys.executable, "-c", SAYS], cwd=ROOT, capture_output=True, text=True, check=False)
    ours, library, last = (json.loads(line) for line in result.stderr.splitlines())
    assert told(ours) == {"event": "ours", "level": "warning", "partition": 3, "offset": 1042}
    assert told(library) == {"event": "Heartbeat failed", "level": "warning", "logger": "aiokafka"}
    assert (last["event"], last["level"], last["error"]) == ("ended by an error", "critical", "the end")
    assert "RuntimeError: the end" in last["exception"]


def told(line: dict[str, Any]) -> dict[str, Any]:
    """The line without its time."""
    return {name: value for name, value in line.items() if name != "timestamp"}


QUOTES = """
import structlog
from stream_jobs.logs import log_as_json, words_of
from warehouse.errors import WarehouseRefused
log_as_json()
refused = "Code: 6. Cannot parse 'u-42' as Int8\\nin user_id = 'u-42\\nu-42'"
try:
    {"a": 1}['a'].nothing
except AttributeError:
    structlog.get_logger().exception("another")
try:
    raise WarehouseRefused(refused)
except WarehouseRefused as failure:
    structlog.get_logger().critical("ended", error=words_of(failure), exc_info=failure)
    raise RuntimeError("the end of 'it'") from failure
"""


def test_e24_what_the_warehouse_says_is_logged_without_what_it_quotes() -> None:
    result = subprocess.run([sys.executable, "-c", QUOTES], cwd=ROOT, capture_output=True, text=True, check=False)
    another, ended, last = (json.loads(line) for line in result.stderr.splitlines())
    assert "'int' object has no attribute 'nothing'" in another["exception"]
    assert ended["error"] == "WarehouseRefused: Code: 6. Cannot parse '…' as Int8\nin user_id = '…'"
    assert last["error"] == "the end of 'it'"
    assert "RuntimeError: the end of 'it'" in last["exception"]
    assert "Cannot parse '…'" in last["exception"]
    assert "u-42" not in result.stderr
