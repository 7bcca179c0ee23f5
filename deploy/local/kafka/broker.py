"""The broker: its settings file and storage made, the command that runs it given out."""

import base64
import subprocess
import uuid
from pathlib import Path
from string import Template

from deploy.errors import ServiceFailed
from deploy.local.home import Home
from deploy.local.java import ensure_java
from deploy.local.kafka.jars import ensure_jars
from deploy.local.ports import Ports
from deploy.local.settings import LocalSettings

HERE = Path(__file__).parent
MS_PER_DAY = 86_400_000


def prepare(home: Home, settings: LocalSettings) -> None:
    """Fetches Kafka, writes its settings and formats its storage once. Never touches existing data."""
    ensure_java()
    ensure_jars(home.environments)
    properties = home.kafka / "server.properties"
    properties.write_text(server_properties(home, settings))
    if not (home.kafka / "data" / "meta.properties").exists():
        format_storage(home, properties)


def server_properties(home: Home, settings: LocalSettings) -> str:
    """Text of Kafka's settings file."""
    ports = Ports(settings.port_base)
    return Template((HERE / "server.properties").read_text()).substitute(
        broker_port=ports.kafka,
        controller_port=ports.kafka_controller,
        data=home.kafka / "data",
        retention_ms=settings.retention_days * MS_PER_DAY,
    )


def format_storage(home: Home, properties: Path) -> None:
    """Gives the data folder its cluster id. Raises ServiceFailed with Kafka's own words."""
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
    arguments = ["format", "--standalone", "--ignore-formatted", "-t", cluster, "-c", str(properties)]
    command = [*java(home, heap_mb=128), "kafka.tools.StorageTool", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ServiceFailed(f"Kafka's storage could not be formatted:\n{(result.stderr or result.stdout).strip()}")


def command(home: Home, settings: LocalSettings) -> list[str]:
    """What the supervisor runs."""
    return [*java(home, settings.kafka_heap_mb), "kafka.Kafka", str(home.kafka / "server.properties")]


def java(home: Home, heap_mb: int) -> list[str]:
    """Java with Kafka's jars, its log settings and a bounded heap."""
    return [
        "java",
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
        "-cp",
        f"{home.environments / 'kafka/jars'}/*",
    ]
