"""`./tally doctor`: looks for what is missing or too small and says how to mend it."""

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import psutil
import typer
from rich.table import Table
from rich.text import Text

from deploy.cli.console import narrow_console
from deploy.errors import DeployError
from deploy.local import chromium, java, ports
from deploy.local.installation import Installation

app = typer.Typer(add_completion=False)

GB = 1_000_000_000
MEMORY_NEEDED_GB = 4
DISK_NEEDED_GB = 10


class Verdict(StrEnum):
    """How a finding is to be taken."""

    good = "✓"
    later = "–"
    bad = "✗"


STYLES = {Verdict.good: "green", Verdict.later: "yellow", Verdict.bad: "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and the cure when it is not good."""

    subject: str
    verdict: Verdict
    found: str
    cure: str = ""


@app.command()
def doctor() -> None:
    """Look for what is missing. Exits with 1 when something keeps ./tally up from working."""
    findings = list(examine(Installation.from_environment()))
    shown = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        shown.add_row(Text(finding.verdict, STYLES[finding.verdict]), finding.subject, finding.found, finding.cure)
    narrow_console().print(shown)
    if any(finding.verdict is Verdict.bad for finding in findings):
        raise typer.Exit(1)


def examine(installation: Installation) -> Iterator[Finding]:
    """All findings, in the order in which things are needed."""
    yield Finding("Python", Verdict.good, platform.python_version())
    yield java_finding(java.java_version(), as_root=os.geteuid() == 0)
    yield program("Maven", shutil.which("mvn"), "maven", "fetches Kafka at the first ./tally up")
    yield program("Chromium", chromium.find(), "chromium", "only ./tally test needs it")
    yield memory(psutil.virtual_memory().total)
    existing = next(path for path in (installation.home.folder, *installation.home.folder.parents) if path.exists())
    yield disk(str(existing), shutil.disk_usage(existing).free)
    yield environment(installation)
    yield from port_findings(installation)
    yield Finding("Versions", Verdict.good, versions())


def java_finding(version: int | None, *, as_root: bool) -> Finding:
    """Kafka needs Java 17; ./tally up installs it on Debian as root."""
    if version is not None and version >= java.OLDEST_JAVA:
        return Finding("Java", Verdict.good, str(version))
    found = "missing" if version is None else f"{version}, Kafka needs {java.OLDEST_JAVA}"
    verdict = Verdict.later if as_root and shutil.which("apt-get") else Verdict.bad
    return Finding("Java", verdict, found, install("openjdk-17-jre-headless"))


def program(name: str, path: str | None, package: str, purpose: str) -> Finding:
    """A program that is installed when first needed."""
    if path:
        return Finding(name, Verdict.good, path)
    return Finding(name, Verdict.later, f"missing; {purpose}", install(package))


def install(package: str) -> str:
    """The command a person types."""
    return f"sudo apt-get install --yes {package}"


def memory(total_bytes: int) -> Finding:
    """All services together use about 2 GB."""
    found = f"{total_bytes / GB:.0f} GB"
    if total_bytes >= MEMORY_NEEDED_GB * GB:
        return Finding("Memory", Verdict.good, found)
    return Finding(
        "Memory", Verdict.bad, found, f"{MEMORY_NEEDED_GB} GB are needed; ./tally up --no-superset uses less"
    )


def disk(folder: str, free_bytes: int) -> Finding:
    """Environments take 2.5 GB, Kafka keeps a month of events."""
    found = f"{free_bytes / GB:.0f} GB free in {folder}"
    if free_bytes >= DISK_NEEDED_GB * GB:
        return Finding("Disk", Verdict.good, found)
    return Finding("Disk", Verdict.bad, found, f"free {DISK_NEEDED_GB} GB, or put TALLY_HOME on another disk")


def environment(installation: Installation) -> Finding:
    """Superset's environment is made when first needed."""
    if (installation.home.environments / "superset/installed").exists():
        return Finding("Superset", Verdict.good, "installed")
    return Finding("Superset", Verdict.later, "not installed", "./tally up installs it")


def port_findings(installation: Installation) -> Iterator[Finding]:
    """Ports are free, or ours."""
    running = {service.name for service in installation.status() if service.pid}
    for service in installation.plan.services():
        if service.name in running:
            yield Finding(f"Ports of {service.name}", Verdict.good, "in use by this installation")
            continue
        try:
            ports.require_free((service.name, port) for port in service.ports)
        except DeployError as taken:
            found, _, cure = str(taken).partition(". ")
            yield Finding(f"Ports of {service.name}", Verdict.bad, found, cure)
        else:
            if service.ports:
                numbers = ", ".join(str(port) for port in service.ports)
                yield Finding(f"Ports of {service.name}", Verdict.good, f"{numbers} free")


def versions() -> str:
    """What matters for a question to the maintainers."""
    names = ("chdb-core", "clickhouse-connect", "confluent-kafka", "faust-streaming", "polars")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
