"""E18 on the real log: a foreign producer that uses another hash is counted all the same, once, where it belongs."""

import json
from datetime import UTC, datetime

import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from deploy.local.installation import Installation
from tests.running import until
from tokentally import partition_of
from tokentally.envelope import HEADER_CONTENT_TYPE, NDJSON

pytestmark = pytest.mark.integration
ORGANIZATION = "misrouted-test"


def test_events_in_the_wrong_partition_are_counted_once_in_their_own(
    installation: Installation, warehouse: Client
) -> None:
    partitions = installation.settings.partitions
    home = partition_of(ORGANIZATION, partitions)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    lines = [
        json.dumps({"event_id": f"call-{n}", "time": now, "organization": ORGANIZATION, "model": "gpt-4o"}).encode()
        for n in range(10)
    ]
    producer = Producer({"bootstrap.servers": installation.plan.kafka_bootstrap})
    headers: list[tuple[str, str | bytes | None]] = [(HEADER_CONTENT_TYPE, NDJSON.encode())]
    for partition in ((home + 1) % partitions, (home + 2) % partitions, home):
        producer.produce(installation.settings.events_topic, b"\n".join(lines), partition=partition, headers=headers)
    producer.flush(30)

    def counted() -> list[tuple[int, int]]:
        sql = (
            "SELECT src_partition, sum(requests) FROM rollup FINAL WHERE grain = 'quarter' "
            f"AND organization = '{ORGANIZATION}' GROUP BY src_partition"
        )
        return [(int(row[0]), int(row[1])) for row in warehouse.query(sql).result_rows]

    def forwarded() -> int:
        sql = "SELECT sum(newest) FROM (SELECT max(misrouted) AS newest FROM partition_progress GROUP BY src_partition)"
        return int(warehouse.query(sql).result_rows[0][0])

    until("strangers were forwarded", lambda: forwarded() >= 20)
    until("they are counted at home", lambda: counted() == [(home, 10)])
