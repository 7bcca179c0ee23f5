"""Java 17 or newer and Maven, which Kafka needs: found, installed where possible, or asked for."""

import re
import shutil
import subprocess

from deploy.local import debian

OLDEST_JAVA = 17


def java_version() -> int | None:
    """Major version of the `java` on the path, or None."""
    java = shutil.which("java")
    if java is None:
        return None
    text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', text)
    return int(found[1]) if found else None


def ensure_java() -> str:
    """Path of a java that runs Kafka. Raises Missing."""
    if (java_version() or 0) < OLDEST_JAVA:
        debian.install("openjdk-17-jre-headless", needed_for="Kafka")
    return shutil.which("java") or "java"


def ensure_maven() -> str:
    """Path of Maven. Raises Missing."""
    if shutil.which("mvn") is None:
        debian.install("maven", needed_for="fetching Kafka")
    return shutil.which("mvn") or "mvn"
