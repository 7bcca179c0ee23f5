"""Kafka's jars: fetched by Maven once, into a folder that several installations may share."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from deploy.errors import Missing
from deploy.local.java import ensure_maven

POM = Path(__file__).with_name("pom.xml")


def ensure_jars(environments: Path) -> Path:
    """The folder of Kafka's jars, complete. Raises Missing when Maven cannot fetch them."""
    folder = environments / "kafka"
    wanted = hashlib.sha256(POM.read_bytes()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = folder / "installed"
        if not mark.exists() or mark.read_text() != wanted:
            mark.unlink(missing_ok=True)
            shutil.rmtree(folder / "jars", ignore_errors=True)
            fetch(folder / "jars")
            mark.write_text(wanted)
    return folder / "jars"


def fetch(jars: Path) -> None:
    """Copies the jars named by pom.xml and all they need."""
    command = [ensure_maven(), "--quiet", "--batch-mode", "--file", str(POM), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if result.returncode != 0:
        last = next((line for line in result.stdout.splitlines() if "ERROR" in line), result.stderr.strip())
        raise Missing(f"Maven could not fetch Kafka: {last}")
