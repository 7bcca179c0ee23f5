"""Manifests for tests."""

from datetime import UTC, datetime

from warehouse.backups.manifest import FORMAT, Applied, Log, Manifest, TableCopy

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
APPLIED = Applied(
    topic="usage.events", src_partition=1, topic_id="one", applied_offset=41, applied_time=NOON, accepted=100
)
LOG = Log(
    events_topic="usage.events",
    rejected_topic="usage.rejected",
    partitions=3,
    generation=0,
    topic_id="one",
    next_offsets={0: 0, 1: 50, 2: 7},
)


def made(**changes: object) -> Manifest:
    """A manifest of a small backup."""
    whole = Manifest(
        format=FORMAT,
        product_version="0.1.0",
        logic_version=1,
        began=NOON,
        finished=NOON,
        database="tokentally",
        migrations={"migrations/0001_usage_raw.sql": "a", "views/00_pending.sql": "b"},
        tables=(TableCopy(name="usage_raw", engine="ReplacingMergeTree", copies=("usage_raw",), rows=100),),
        progress=(APPLIED,),
        log=LOG,
        settings={},
        files={},
    )
    return whole.model_copy(update=changes)
