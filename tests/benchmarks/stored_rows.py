"""A warehouse that has counted for a month: plausible rows written in bulk, with the progress that belongs to them."""

import time

from clickhouse_connect.driver.client import Client
from confluent_kafka import Producer

from deploy.local.installation import Installation
from producers.synthetic.load import FEATURES, MODELS, ORGANIZATIONS, PROMPTS
from stream_jobs.worker.resume import LogInspector
from stream_jobs.worker.settings import LOGIC_VERSION, WorkerSettings
from tests.running import client_of
from tokentally.partition import partition_of
from warehouse.families import FAMILIES, Family
from warehouse.literals import quoted

OFFSETS = 50
"""Messages per partition whose events the rows stand for."""
CHUNK_ROWS = 1_000_000
DAYS = 30
ENDED_HOURS_AGO = 2
RAW_PER_ROW = {"rollup": 4, "rollup_thread": 4, "rollup_prompt": 20, "rollup_category": 20}
"""Events per row of each family, as in the pipeline's own load."""
MERGE_SECONDS = 900


def begin(installation: Installation) -> None:
    """Gives every partition of the topic the first messages, which are never read: progress lies behind them."""
    producer = Producer({"bootstrap.servers": installation.plan.kafka_bootstrap})
    for partition in range(installation.settings.partitions):
        for _ in range(OFFSETS):
            producer.produce(installation.settings.events_topic, b"applied long ago", partition=partition)
    producer.flush(30)


def fill(installation: Installation, rows: int) -> None:
    """Adds raw rows and their rollup rows, then their progress."""
    client = client_of(installation)
    span_ms = DAYS * 86_400_000
    end_ms = int(time.time() * 1000) - ENDED_HOURS_AGO * 3_600_000
    moment = f"fromUnixTimestamp64Milli(toInt64({end_ms - span_ms} + n * {span_ms} / {rows}), 'UTC')"
    for first in range(0, rows, CHUNK_ROWS):
        count = min(CHUNK_ROWS, rows - first)
        client.command(_raw(installation, moment, first, count))
        for family in FAMILIES:
            step = RAW_PER_ROW[family.table]
            client.command(_family(installation, family, moment, first, count, step))
    _write_progress(installation, client, rows)


def _numbers(installation: Installation, first: int, count: int, step: int = 1) -> str:
    """Rows with their number `n`, a number `u` that looks like chance, organisation and partition."""
    names = ", ".join(map(quoted, ORGANIZATIONS))
    homes = ", ".join(str(partition_of(name, installation.settings.partitions)) for name in ORGANIZATIONS)
    return (
        f"(SELECT number * {step} + {first} AS n, intHash64(n) AS u, "
        f"toUInt32(pow(u % 1000003 / 1000003, 3) * {len(ORGANIZATIONS)}) AS o, [{names}][o + 1] AS organization, "
        f"[{homes}][o + 1] AS src_partition, toInt64(n % {OFFSETS}) AS position FROM numbers({count // step}))"
    )


def _raw(installation: Installation, moment: str, first: int, count: int) -> str:
    columns = {
        "event_id": "generateUUIDv4()",
        "time": moment,
        "organization": "organization",
        **_dimensions(),
        "prompt_id": _one_of(PROMPTS),
        "prompt_name": _one_of(PROMPTS),
        "thread_id": "concat('thread-', toString(intDiv(u, 64) % 10000000))",
        "message_id": "concat('message-', toString(u))",
        "event_type": "'token_usage'",
        "plan": "'PRO'",
        "category": "if(u % 3 = 0, 'coding', '')",
        "input_tokens": "u % 8000",
        "cache_read_tokens": "if(u % 2 = 0, intDiv(u, 8) % 6000, 0)",
        "output_tokens": "intDiv(u, 16) % 2000",
        "duration_ms": "toInt64(intDiv(u, 32) % 30000)",
        "cost_nano_usd": "toInt64(u % 20000000)",
        "billed_nano_usd": "toInt64(u % 20000000)",
        "credits_micro": "toInt64(u % 20000)",
        "cost_status": "'priced'",
        "price_revision": "1",
        "hour": f"toStartOfHour({moment})",
        "day": f"toDate({moment})",
        "week": f"toMonday({moment})",
        "append_time": f"{moment} + toIntervalSecond(1)",
        "src_partition": "src_partition",
        "src_offset": "position",
        "src_index": "toUInt32(n)",
    }
    return (
        f"INSERT INTO usage_raw ({', '.join(columns)}) SELECT {', '.join(columns.values())} "
        f"FROM {_numbers(installation, first, count)}"
    )


def _family(installation: Installation, family: Family, moment: str, first: int, count: int, step: int) -> str:
    own = {
        "prompt_id": _one_of(PROMPTS),
        "category": "'coding'",
        "thread_id": "concat('thread-', toString(intDiv(u, 64) % 10000000))",
    }
    known = {**_dimensions(), **own}
    bucket = f"toStartOfFifteenMinutes({moment})"
    columns = {
        "grain": "'quarter'",
        "organization": "organization",
        "bucket": bucket,
        **{name: known[name] for name in family.dimensions},
        "src_partition": "src_partition",
        "hour": f"toStartOfHour({bucket})",
        "day": f"toDate({bucket})",
        "week": f"toMonday({bucket})",
        **dict.fromkeys(family.measures, "toInt64(u % 5000)"),
        "requests": str(step),
        "offset": "position",
    }
    return (
        f"INSERT INTO {family.table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} "
        f"FROM {_numbers(installation, first, count, step)}"
    )


def _dimensions() -> dict[str, str]:
    return {
        "customer_id": "if(o % 4 = 0, concat('customer-', toString(u % 2000)), '')",
        "user_id": "concat('user-', toString(o * 100 + u % 100))",
        "department": "concat('department-', toString(u % 8))",
        "project": "concat('project-', toString(u % 5))",
        "feature": _one_of(FEATURES),
        "api_key_id": "concat('key-', toString(o * 100 + u % 100))",
        "provider": _one_of([provider for provider, _ in MODELS]),
        "model": _one_of([model for _, model in MODELS]),
        "billing_type": "if(o % 7 = 6, 'BYOK', 'SYSTEM')",
        "status": "if(u % 50 = 0, 'error', 'success')",
    }


def _one_of(names: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(map(quoted, names))}][intDiv(u, 1024) % {len(names)} + 1]"


def _write_progress(installation: Installation, client: Client, rows: int) -> None:
    settings = WorkerSettings(
        home=installation.home.folder,
        kafka_bootstrap=installation.plan.kafka_bootstrap,
        events_topic=installation.settings.events_topic,
    )
    topic_id = LogInspector(settings).state([0]).topic_id
    client.command(
        "INSERT INTO partition_progress (topic, src_partition, topic_id, applied_offset, applied_time, seen, accepted, "
        f"logic_version, worker) SELECT {quoted(settings.events_topic)}, src_partition, {quoted(topic_id)}, "
        f"{OFFSETS - 1}, max(append_time), count(), count(), {LOGIC_VERSION}, 'stored_rows' "
        "FROM event_id_log GROUP BY src_partition"
    )


def wait_for_merges(client: Client) -> float:
    """Returns when nothing is being merged any more; the seconds it took, at most MERGE_SECONDS."""
    began = time.monotonic()
    quiet = 0
    while quiet < 5 and time.monotonic() - began < MERGE_SECONDS:
        quiet = 0 if client.query("SELECT count() FROM system.merges").result_rows[0][0] else quiet + 1
        time.sleep(1)
    return time.monotonic() - began


def stored_summary(client: Client) -> tuple[int, int, int]:
    """Rows, parts and bytes of all tables."""
    sql = "SELECT sum(rows), count(), sum(bytes_on_disk) FROM system.parts WHERE active"
    rows, parts, size = client.query(f"{sql} AND database = currentDatabase()").result_rows[0]
    return int(rows), int(parts), int(size)
