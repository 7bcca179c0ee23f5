"""Questions about health: each probe says what its service still waits for, "" once it is ready."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaException

from deploy.local.kafka import topics

Probe = Callable[[int], str]
"""Takes the service's process id."""

ANSWER_SECONDS = 2.0


def nothing(_pid: int) -> str:
    """Ready as soon as it runs."""
    return ""


def http(url: str) -> Probe:
    """Ready when the address answers with a status below 300."""

    def ask(_pid: int) -> str:
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_SECONDS):
                return ""
        except urllib.error.HTTPError as answer:
            return f"{url} answers {answer.code}"
        except (OSError, ValueError):
            return f"no answer from {url}"

    return ask


def kafka(bootstrap: str) -> Probe:
    """Ready when the broker answers a metadata request."""
    host, port = bootstrap.rsplit(":", 1)

    def ask(_pid: int) -> str:
        try:
            socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
            client = topics.client(bootstrap)
            client.list_topics(timeout=ANSWER_SECONDS)
        except OSError:
            return f"nothing listens at {bootstrap}"
        except KafkaException:
            return f"no metadata from {bootstrap}"
        return ""

    return ask


def worker(run: Path, name: str) -> Probe:
    """Ready when the present process was given partitions; later it tells itself what it waits for."""

    def ask(pid: int) -> str:
        try:
            if (run / f"{name}.ready").read_text().strip() != str(pid):
                return "partitions"
            told = json.loads((run / f"{name}.json").read_text())
        except (OSError, ValueError):
            return "partitions"
        return str(told.get("waiting_for", ""))

    return ask
