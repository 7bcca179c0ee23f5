"""The services of an installation: home and settings in, what the supervisor runs and how to ask for health out."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import probes
from deploy.local.home import ROOT, Home
from deploy.local.kafka import broker
from deploy.local.ports import Ports
from deploy.local.probes import Probe
from deploy.local.secrets import Secrets
from deploy.local.settings import LocalSettings


@dataclass(frozen=True, slots=True)
class Service:
    """One supervised process."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    probe: Probe
    """Asked for what the service still waits for; the answer "" means ready."""
    trouble: Probe = probes.nothing
    """Asked for what only a person can mend, though the service serves."""
    idleness: Probe = probes.nothing
    """Asked why a service that is ready has nothing to do."""
    ports: tuple[int, ...] = ()
    address: str = ""
    """What a person types to reach it."""
    stop_seconds: int = 15

    @property
    def kind(self) -> str:
        """The name without the number: worker-0 is a worker."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Plan:
    """All services of a home, in the order people read them."""

    home: Home
    settings: LocalSettings
    ports: Ports = field(init=False)

    def __post_init__(self) -> None:
        """Ports follow from the settings."""
        object.__setattr__(self, "ports", Ports(self.settings.port_base))

    @property
    def kafka_bootstrap(self) -> str:
        """Address of the broker for clients."""
        return f"127.0.0.1:{self.ports.kafka}"

    @property
    def warehouse_url(self) -> str:
        """Address of the warehouse for clients."""
        return f"http://127.0.0.1:{self.ports.warehouse}"

    @property
    def superset_python(self) -> Path:
        """The interpreter that has Superset; it exists once the environment is installed."""
        return self.home.environments / "superset/bin/python"

    def environment(self, service: str, warehouse_user: str = "tally") -> dict[str, str]:
        """Environment variables of a service; TALLY_SERVICE also marks it as a process of this home."""
        secrets = Secrets(self.home.secrets)
        return {
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "producers/sdk/src"))),
            "PYTHONUNBUFFERED": "1",
            "TALLY_HOME": str(self.home.folder),
            "TALLY_SERVICE": service,
            "TALLY_PORT_BASE": str(self.settings.port_base),
            "TALLY_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "TALLY_EVENTS_TOPIC": self.settings.events_topic,
            "TALLY_REJECTED_TOPIC": self.settings.rejected_topic,
            "TALLY_PARTITIONS": str(self.settings.partitions),
            "TALLY_WAREHOUSE_URL": self.warehouse_url,
            "TALLY_WAREHOUSE_USER": warehouse_user,
            "TALLY_WAREHOUSE_PASSWORD_FILE": str(secrets.warehouse(warehouse_user)),
            "TALLY_KEYS_FILE": str(self.home.keys),
        }

    def superset_environment(self) -> dict[str, str]:
        """Environment of Superset's server and of the commands that prepare it."""
        secrets = Secrets(self.home.secrets)
        return self.environment("superset", "superset") | {
            "FLASK_APP": "superset",
            "SUPERSET_CONFIG_PATH": str(ROOT / "dashboards/superset_config.py"),
            "TALLY_SUPERSET_URL": f"http://127.0.0.1:{self.ports.superset}",
            "TALLY_SUPERSET_ADMIN_PASSWORD_FILE": str(secrets.path("superset_admin")),
            "TALLY_SUPERSET_SECRET_KEY_FILE": str(secrets.path("superset_key")),
        }

    def services(self) -> list[Service]:
        """Every service, whether it is wanted now or not."""
        workers = [self.worker(number) for number in range(self.settings.workers)]
        return [
            self.kafka(),
            self.warehouse(),
            self.collector(),
            *workers,
            self.rejects(),
            self.auditor(),
            self.watchdog(),
            self.api(),
            self.superset(),
        ]

    def kafka(self) -> Service:
        """Apache Kafka."""
        return Service(
            "kafka",
            broker.command(self.home, self.settings),
            self.environment("kafka"),
            probes.kafka(self.kafka_bootstrap),
            ports=(self.ports.kafka, self.ports.kafka_controller),
            address=self.kafka_bootstrap,
            stop_seconds=30,
        )

    def warehouse(self) -> Service:
        """The embedded ClickHouse."""
        return Service(
            "warehouse",
            [sys.executable, "-m", "warehouse.embedded"],
            self.environment("warehouse"),
            probes.http(f"{self.warehouse_url}/ping"),
            ports=(self.ports.warehouse,),
            address=self.warehouse_url,
            stop_seconds=30,
        )

    def collector(self) -> Service:
        """Takes usage events over HTTP."""
        url = f"http://127.0.0.1:{self.ports.collector}"
        return Service(
            "collector",
            [sys.executable, "-m", "producers.collector"],
            self.environment("collector"),
            probes.http(f"{url}/health"),
            ports=(self.ports.collector,),
            address=url,
        )

    def _worker_settings(self) -> dict[str, str]:
        return {"TALLY_TOPIC_GENERATION": str(self.settings.topic_generation)} | self._retention()

    def _retention(self) -> dict[str, str]:
        days = self.settings.usage_retention_days
        return {} if days is None else {"TALLY_USAGE_RETENTION_DAYS": str(days)}

    def worker(self, number: int) -> Service:
        """One stream worker."""
        name = f"worker-{number}"
        return Service(
            name,
            [sys.executable, "-m", "stream_jobs.worker"],
            self.environment(name) | {"TALLY_WORKER_ID": str(number)} | self._worker_settings(),
            probes.worker(self.home.run, name),
            probes.worker_trouble(self.home.run, name),
            probes.worker_standby(self.home.run, name),
            ports=(self.ports.worker_metrics(number),),
        )

    def rejects(self) -> Service:
        """Stores what was refused."""
        return Service(
            "rejects",
            [sys.executable, "-m", "stream_jobs.rejects"],
            self.environment("rejects"),
            probes.worker(self.home.run, "rejects"),
        )

    def auditor(self) -> Service:
        """Proves every hour that what is stored is right."""
        return Service(
            "auditor",
            [sys.executable, "-m", "stream_jobs.audit"],
            self.environment("auditor") | self._retention(),
            probes.worker(self.home.run, "auditor"),
            probes.audit_trouble(self.home.run, "auditor"),
            probes.audit_news(self.home.run, "auditor"),
            ports=(self.ports.auditor_metrics,),
        )

    def watchdog(self) -> Service:
        """Ends workers that stopped moving."""
        return Service(
            "watchdog",
            [sys.executable, "-m", "deploy.local.watchdog"],
            self.environment("watchdog"),
            probes.nothing,
        )

    def api(self) -> Service:
        """Answers questions over HTTP."""
        url = f"http://127.0.0.1:{self.ports.api}"
        writer = Secrets(self.home.secrets).warehouse("api_writer")
        return Service(
            "api",
            [sys.executable, "-m", "api"],
            self.environment("api", "api")
            | {
                "TALLY_API_WRITER_PASSWORD_FILE": str(writer),
                "TALLY_TOPIC_GENERATION": str(self.settings.topic_generation),
            }
            | self._retention(),
            probes.http(f"{url}/health"),
            ports=(self.ports.api,),
            address=url,
        )

    def superset(self) -> Service:
        """The dashboards."""
        listen = f"127.0.0.1:{self.ports.superset}"
        options = ["--workers", "1", "--worker-class", "gthread", "--threads", "8", "--timeout", "120"]
        return Service(
            "superset",
            [str(self.superset_python), "-m", "gunicorn", "--bind", listen, *options, "superset.app:create_app()"],
            self.superset_environment(),
            probes.http(f"http://{listen}/health"),
            ports=(self.ports.superset,),
            address=f"http://{listen}",
        )
