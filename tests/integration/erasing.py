"""What tests of erasures send, and where they look for what must be gone."""

import json
import os
import urllib.request
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from deploy.local.installation import Installation
from tests.running import client_of, until

CLEARED_BY_TIME = ("kafka",)
"""Folders of the home in which only retention clears."""


def event(user: str, number: int, **more: Any) -> dict[str, Any]:
    """An event of `acme`, one of the last three days; each call makes another."""
    return {
        "event_id": str(uuid4()),
        "time": (datetime.now(UTC) - timedelta(days=number % 3)).isoformat(timespec="milliseconds"),
        "organization": "acme",
        "user_id": user,
        "thread_id": f"thread-of-{user}",
        "provider": "openai",
        "model": "gpt-4o",
        "input_tokens": 1000 + number,
        "metadata": {"who": user},
        **more,
    }


def send(installation: Installation, secret: str, events: list[dict[str, Any]]) -> None:
    """Sends them through the collector. Raises HTTPError when it refuses."""
    address = f"http://127.0.0.1:{installation.plan.ports.collector}/v1/events"
    body = "\n".join(json.dumps(each) for each in events).encode()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-ndjson"}
    with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=30) as answer:
        assert answer.status in (200, 202)


def numbers(installation: Installation, sql: str) -> list[tuple[Any, ...]]:
    """The answer of the warehouse."""
    with client_of(installation) as client:
        return [tuple(row) for row in client.query(sql).result_rows]


def files_with(installation: Installation, *texts: str) -> list[str]:
    """Files of the home that hold one of the texts, apart from those that only time clears."""
    home = installation.home.folder
    found = []
    for folder, names, files in os.walk(home):
        if Path(folder) == home:
            names[:] = [name for name in names if name not in (*CLEARED_BY_TIME, "environments")]
        for name in files:
            try:
                content = (Path(folder) / name).read_bytes()
            except OSError:
                continue
            if any(text.encode() in content for text in texts):
                found.append(str(Path(folder).relative_to(home) / name))
    return found


def until_no_file_holds(installation: Installation, *texts: str, seconds: float) -> None:
    """Fails the test with the names of the files that still hold one of the texts after so many seconds."""
    left = partial(files_with, installation, *texts)
    until("no file holds what was erased", lambda: not left(), seconds, left)
