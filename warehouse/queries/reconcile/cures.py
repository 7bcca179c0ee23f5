"""What to do about differences that computing rollups again from raw events cannot heal."""

from collections.abc import Iterable

from warehouse.queries.reconcile import acknowledged, homes, log_counts
from warehouse.queries.reconcile.difference import Difference
from warehouse.queries.reconcile.identities import AT_POSITIONS, IN_LOOKUP, IN_RAW
from warehouse.queries.reconcile.open_slices import FailedSlice

RESTORE = "stop the workers, restore a backup of the warehouse from before the damage and start them again: "
AGAIN = "they read the log again from where the backup stands"
IDS = "organization, time, event_id, src_partition, src_offset, src_index"
IDS_BY_POSITION = f"{IDS}, append_time, logic_version"


def _filled(table: str, columns: str) -> str:
    # Every version has the same ids, and FINAL would leave void events out: their copies would count.
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM usage_raw"


CURES = {
    IN_RAW: f"raw events are missing or too many: {RESTORE}{AGAIN}",
    log_counts.CHECK: f"the workers counted other events than the log holds: {RESTORE}{AGAIN}",
    AT_POSITIONS: (
        f"ids by position are not those of raw events. Fill them again: {_filled('event_id_log', IDS_BY_POSITION)}; "
        f"two raw events at one position stay a difference: {RESTORE}{AGAIN}"
    ),
    IN_LOOKUP: (
        "ids by identity are not those of raw events: older copies would count. Fill them again: "
        + _filled("event_id_lookup", IDS)
    ),
    homes.CHECK: "events of one organization were counted in two partitions; let no producer choose partitions itself",
    acknowledged.CHECK: f"acknowledged events are not stored: {RESTORE}{AGAIN}",
}
"""By check. Every other check compares rollup rows, which a repair computes again."""


def cures(differences: Iterable[Difference]) -> list[str]:
    """One sentence per kind of difference that a repair cannot heal."""
    found = dict.fromkeys(each.check for each in differences)
    return [f"{check}: {CURES[check]}" for check in found if check in CURES]


def failed_jobs(failed: Iterable[FailedSlice]) -> list[str]:
    """One sentence per job that has given up days whose rows differ."""
    by_job: dict[str, list[FailedSlice]] = {}
    for each in failed:
        by_job.setdefault(each.control_id, []).append(each)
    return [
        f"Job {control_id} ({found[0].kind}) has given up {len(found)} of these days, the first "
        f"{found[0].place.organization} on {found[0].place.day}: {found[0].message}. A repair makes rollups equal raw "
        "events as they are now; mend the cause and ask for the job again under a new id."
        for control_id, found in by_job.items()
    ]


def incomplete_partitions(differences: Iterable[Difference]) -> set[int]:
    """Log partitions whose raw events are not those that were counted: a repair would lose what rollups still know."""
    return {each.partition for each in differences if each.check == IN_RAW and "accepted" in each.expected}
