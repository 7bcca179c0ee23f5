"""The order of a backup: what says that something was done is copied before it, and no table is forgotten."""

import re

from warehouse.backups.order import NAMED, REPAIRS, REPAIRS_BEFORE, Copy, plan
from warehouse.families import ROLLUP_TABLES
from warehouse.migrate import scripts

EVENTS_OF = {"event_id_log": "usage_raw", "event_id_lookup": "usage_raw"}


def migrated_tables() -> set[str]:
    texts = "\n".join(script.text for script in scripts("migrations"))
    made = re.findall(r"^CREATE TABLE (?:IF NOT EXISTS )?(\w+)(?: AS \w+)?\s*$", texts, flags=re.M)
    dropped = re.findall(r"^DROP TABLE (?:IF EXISTS )?(\w+)(?: SYNC)?;$", texts, flags=re.M)
    renamed = re.findall(r"(\w+) TO \w+", " ".join(re.findall(r"^RENAME TABLE (.*);$", texts, flags=re.M)))
    return {*made, "schema_migrations"} - {*dropped, *(name for name in renamed if name not in ROLLUP_TABLES)}


def place(name: str) -> int:
    return [step.name for step in plan(NAMED)].index(name)


def test_every_table_of_the_migrations_has_a_place_that_somebody_thought_about() -> None:
    assert migrated_tables() - NAMED == set(), "say in warehouse/backups/order.py when these are copied, and why then"
    assert NAMED - migrated_tables() == set()


def test_what_says_that_something_was_done_is_copied_before_it() -> None:
    for compared in ("audits", "log_counts"):
        assert place(compared) < place("partition_progress")
    for table in NAMED - {"audits", "log_counts", "rejected_progress", "partition_progress"}:
        assert place("partition_progress") < place(table)
    assert place("rejected_progress") < place("rejected")
    for family in ROLLUP_TABLES:
        assert place("touched_periods") < place(family) < place("event_id_log")
        assert place(REPAIRS_BEFORE) < place(family) < place(REPAIRS)
    for done in ("jobs", "erasures", "control_log"):
        assert max(place(REPAIRS_BEFORE), place("usage_raw"), place("rollup")) > place(done)
    for narrow, source in EVENTS_OF.items():
        assert place(narrow) < place(source)
    assert place("usage_raw") < place(REPAIRS)


def test_what_rows_were_decided_by_is_copied_after_them() -> None:
    written_before_rows = ("quarantine", "tombstones", "organizations", "calendar", "config_revisions", "prices")
    for table in (*written_before_rows, "corrections", "awaited_events"):
        assert place("usage_raw") < place(table)
    assert place("config_revisions") < place("prices")
    assert place("config_revisions") < place("multipliers")
    assert place("config_revisions") < place("terms")


def test_repairs_are_copied_twice_and_everything_else_once() -> None:
    steps = plan(NAMED)
    assert sorted(step.table for step in steps) == sorted([*NAMED, REPAIRS])
    assert len({step.name for step in steps}) == len(steps)


def test_tables_that_nobody_named_are_copied_behind_progress_and_before_all_that_follows_from_it() -> None:
    assert plan(["usage_raw", "somebodys", "partition_progress"]) == [
        Copy("partition_progress", "partition_progress"),
        Copy("somebodys", "somebodys"),
        Copy("usage_raw", "usage_raw"),
    ]
