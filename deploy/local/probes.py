"""Questions about health: each probe says what its service still waits for, "" once it is ready."""

import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaException

from deploy.local.kafka import topics
from deploy.local.told import Told

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
        told = Told.read(run, name, pid)
        if told is None:
            return "its start"
        return told.waits_for or ("" if told.ready else "partitions")

    return ask


def worker_trouble(run: Path, name: str) -> Probe:
    """What only a person can mend, while the worker goes on with the rest."""

    def ask(pid: int) -> str:
        told = Told.read(run, name, pid)
        return told.trouble if told else ""

    return ask


def audit_trouble(run: Path, name: str) -> Probe:
    """The differences that the last audit found."""

    def ask(pid: int) -> str:
        told = Told.read(run, name, pid)
        if told is None or not told.audit.get("differing"):
            return ""
        return f"you: {told.audit_news}; see ./tally reconcile"

    return ask


def audit_news(run: Path, name: str) -> Probe:
    """What the last audit found."""

    def ask(pid: int) -> str:
        told = Told.read(run, name, pid)
        return told.audit_news if told else ""

    return ask


def worker_standby(run: Path, name: str) -> Probe:
    """Says that the worker has no partitions because there are more workers than partitions."""

    def ask(pid: int) -> str:
        told = Told.read(run, name, pid)
        return "nothing: stands by, all partitions are taken" if told and told.standby else ""

    return ask
