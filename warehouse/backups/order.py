"""In which order the tables of a running warehouse are copied: names in, the plan of a backup out.

A backup copies table by table while workers write, so its tables are of different moments. It must nevertheless be a
state from which workers count on exactly: one that a crash could have left, or one that a replay of the log heals. Rows
are absolute and versioned by log position (rule E1), so a row that is ahead of progress costs nothing: the replay skips
what it holds already, or writes the same again. Only what is behind costs. Hence one rule: **what says that something
was done is copied before that something**, against the order in which they are written (rule E9). A table copied later
then has at least everything that the tables copied before rely on. Stage by stage:

COMPARED   An audit reads progress and compares; its rows may not speak of days or offsets behind which the copy lies.
PROGRESS   Everything that it stands for was durable before it, so each table copied later has that. What came after
           is read from Kafka again. `rejected_progress` is the same for the topic of refusals.
DONE       A `done` mark follows the rows that were derived, so those are in the families copied later; and a `touched`
           mark that is missing stands for events behind progress, whose replay marks again. The same holds for a job
           that is done, an erasure that is complete, and a control record that is published or applied. Every table
           that is not named here belongs here: it goes on from an earlier place and repeats what was done.
FAMILIES   Each row is the sum up to its own offset, whatever the other tables hold. They are read before the events:
           an event that a row has counted is in the tables copied later, whoever takes it back (rule E10), or
           finishes a lost log from them (`stream_jobs/worker/former.py`), therefore finds it.
EVENTS     The narrow tables are filled from `usage_raw` by views, not in one step with it. Copied before it they hold
           nothing that it lacks, so that "found" always means "stored"; what they lack is filled from it after a
           restore (`warehouse/backups/settling.py`).
CONSULTED  What rows were decided by: calendars, prices, what was set apart, what was erased. It is written before the
           rows, and copied after them, or a replay would decide otherwise than rows ahead of progress were. Of two of
           these the one that refers to the other comes first: a revision before its prices. Corrections are here too:
           a job that begins again finds no former version of what it had rewritten.
TOLD       What is only read by people, and the history of migrations.

Repairs are the exception: they are noted before and after their rows, and a request stands nowhere else. They are
copied twice, before the families and after the events; what moved in between is begun again by the next owner.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from warehouse.families import ROLLUP_TABLES

COMPARED = ("audits", "log_counts")
PROGRESS = ("rejected_progress", "partition_progress")
DONE = (
    *("touched_periods", "control_log", "control_publications", "jobs", "erasures", "erased_users", "erased_events"),
    "erased_rows",
    *("replayed_rollup", "replayed_rollup_prompt", "replayed_rollup_category"),
    "replayed_rollup_thread",
)
FAMILIES = ROLLUP_TABLES
EVENTS = ("event_id_log", "event_id_lookup", "usage_raw")
CONSULTED = (
    *("quarantine", "tombstones", "organizations", "calendar"),
    *("revision_switches", "config_revisions", "multipliers", "terms", "prices"),
    *("awaited_events", "corrections", "job_orders", "control_records"),
)
TOLD = (
    *("directory_entries", "replays", "rejected", "alerts", "exchange_rates", "restored_logs"),
    *("provider_cost_reports", "provider_costs", "closed_periods", "closed_usage", "schema_migrations"),
)
REPAIRS = "repairs"
REPAIRS_BEFORE = "repairs.before"
"""The first copy of the repairs, which is put back only to see what moved."""
NAMED = frozenset((*COMPARED, *PROGRESS, *DONE, *FAMILIES, *EVENTS, REPAIRS, *CONSULTED, *TOLD))


@dataclass(frozen=True, slots=True)
class Copy:
    """One step: a table, and under which name it lies in the backup."""

    table: str
    name: str


def plan(tables: Iterable[str]) -> list[Copy]:
    """The steps that copy these tables, in order; views are no tables and come after all of them."""
    found = set(tables)
    others = tuple(sorted(found - NAMED))
    before, after = (*COMPARED, *PROGRESS, *DONE, *others), (*FAMILIES, *EVENTS, REPAIRS, *CONSULTED, *TOLD)
    steps = [Copy(name, name) for name in before if name in found]
    if REPAIRS in found:
        steps.append(Copy(REPAIRS, REPAIRS_BEFORE))
    return steps + [Copy(name, name) for name in after if name in found]
