"""Control records of a benchmark: asked through the real publisher, watched until their jobs are over."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import uuid4

from clickhouse_connect.driver.client import Client

from deploy.local.installation import Installation
from producers.control.record import ControlRecord
from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from stream_jobs.pricing.load import price_rows_of
from tests.benchmarks.jobs.orders import FIRST_REVISION, SECOND_REVISION

Answer = TypeVar("Answer")
AUTHOR: Final = "benchmark"
LONGEST_SECONDS: Final = 3600.0
LOOK_SECONDS: Final = 0.5
STATE: Final = "SELECT toString(state), message FROM jobs FINAL WHERE control_id = {id:UUID}"
PENDING: Final = """SELECT count() FROM (SELECT if(grain = 'week', 7, 1) + date AS end FROM touched_periods
GROUP BY src_partition, organization, grain, date
HAVING maxIf(offset + 1, kind = 'touched') > maxIf(offset + 1, kind = 'done')) WHERE end <= today()"""
DEARER: Final = f"""INSERT INTO prices SELECT * REPLACE ({SECOND_REVISION} AS revision, price_usd * 3 AS price_usd)
FROM (SELECT * FROM prices FINAL WHERE revision = {FIRST_REVISION})"""


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks one installation."""

    installation: Installation
    client: Client
    publisher: Publisher

    @classmethod
    def of(cls, installation: Installation, client: Client) -> "Asking":
        """With the installation's key and log."""
        settings = ControlSettings(
            home=installation.home.folder,
            partitions=installation.settings.partitions,
            kafka_bootstrap=installation.plan.kafka_bootstrap,
            events_topic=installation.settings.events_topic,
            control_key_file=installation.home.secrets / "control_key",
        )
        return cls(installation, client, Publisher(settings, client))

    def ask(self, kind: str, organization: str, body: Mapping[str, Any]) -> str:
        """Publishes a record; returns its id."""
        record = ControlRecord(str(uuid4()), kind, organization, body, AUTHOR, "", datetime.now(UTC))
        if not self.publisher.ask(record).is_complete:
            raise SystemExit(f"Kafka did not take the control record of {kind}")
        return record.control_id

    def wait_for_job(self, control_id: str) -> str:
        """Returns "" when the job is done, else why it is not."""

        def ended() -> tuple[str, str] | None:
            rows = self.client.query(STATE, parameters={"id": control_id}).result_rows
            return (rows[0][0], rows[0][1]) if rows and rows[0][0] not in ("asked", "planned") else None

        state, message = wait_for("the end of the job", ended)
        return "" if state == "done" else f"{state}: {message}"

    def wait_for_cascade(self) -> None:
        """Returns when every day and week that has ended is derived."""
        wait_for("the derivation of closed days", lambda: not self.client.query(PENDING).result_rows[0][0] or None)

    def second_prices(self) -> None:
        """Stores a revision in which everything costs three times as much."""
        self.client.command(DEARER)
        rows = price_rows_of(self.client, SECOND_REVISION)
        self.revision("prices", SECOND_REVISION, "", repr(rows))

    def second_prices_in_force(self) -> None:
        """From here on, in every partition."""
        [(content_hash,)] = self.client.query(
            f"SELECT content_hash FROM config_revisions WHERE kind = 'prices' AND revision = {SECOND_REVISION}"
        ).result_rows
        self.ask("config", "", {"subject": "prices", "revision": SECOND_REVISION, "content_hash": content_hash})
        switched = f"SELECT count() FROM revision_switches FINAL WHERE kind = 'prices' AND revision = {SECOND_REVISION}"
        wait_for(
            "the second prices",
            lambda: self.client.query(switched).result_rows[0][0] >= self.installation.settings.partitions or None,
        )

    def entry(self, kind: str, number: int, organization: str, content: str) -> dict[str, Any]:
        """What says that there is a revision, with its content where it has no table of its own."""
        return {
            "kind": kind,
            "revision": number,
            "organization": organization,
            "content_hash": hashlib.sha256(content.encode()).hexdigest(),
            "content": content if kind == "calendar" else "",
            "author": AUTHOR,
            "note": "",
            "source": AUTHOR,
            "created": datetime.now(UTC),
        }

    def revision(self, kind: str, number: int, organization: str, content: str) -> str:
        """Stores that there is a revision; returns its hash."""
        row = self.entry(kind, number, organization, content)
        self.client.insert("config_revisions", [list(row.values())], column_names=list(row))
        return str(row["content_hash"])

    def change_calendar(self, organization: str, number: int, effective_from: datetime, time_zone: str) -> None:
        """Lets an organisation have another calendar from then on."""
        said = {"effective_from": effective_from.isoformat(), "time_zone": time_zone, "week_start": 1}
        content_hash = self.revision("calendar", number, organization, json.dumps(said))
        self.ask("config", organization, {"subject": "calendar", "revision": number, "content_hash": content_hash})


def wait_for(what: str, asked: Callable[[], Answer | None]) -> Answer:
    """Asks until there is an answer; ends the benchmark after an hour."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while (answer := asked()) is None:
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come within {LONGEST_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)
    return answer
