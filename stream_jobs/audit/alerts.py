"""What an audit tells people: differences in, rows of the table `alerts` out."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stream_jobs.audit.job_alerts import FAILED, STALLED
from stream_jobs.audit.unpriced_alerts import KIND as UNPRICED
from warehouse.queries.query import Rows
from warehouse.queries.reconcile import log_counts
from warehouse.queries.reconcile.cures import CURES, failed_jobs
from warehouse.queries.reconcile.difference import Difference
from warehouse.queries.reconcile.identities import IN_RAW
from warehouse.queries.reconcile.open_slices import FailedSlice

KIND = "reconcile_difference"
COLUMNS = ("alert_id", "kind", "organization", "time", "message", "details")
ALERTS_PER_AUDIT = 100
OF_TOPICS = (log_counts.CHECK, IN_RAW)
"""Checks of a whole log: their differences name the topic where others name the organisation."""
SHOWN = "`./tally reconcile` shows every row"
REPAIR = "`./tally reconcile --repair` computes rollups again from raw events"


@dataclass(frozen=True, slots=True)
class KnownAlerts:
    """Ids of the alerts that audits raised before."""

    sql = f"SELECT DISTINCT alert_id FROM alerts WHERE kind IN ('{KIND}', '{STALLED}', '{FAILED}', '{UNPRICED}')"

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> set[str]:
        """The ids."""
        return {str(row[0]) for row in rows}


def alerts(
    differences: Iterable[Difference], known: set[str], when: datetime, failed: Sequence[FailedSlice] = ()
) -> list[tuple[Any, ...]]:
    """One row per check, organisation, partition and date that was not told on this day, at most ALERTS_PER_AUDIT.

    when: the log's clock. failed: days that a job has given up, which the words then say.
    What stays wrong is told again every day, and so is what was healed and is wrong again.
    """
    together: dict[str, list[Difference]] = defaultdict(list)
    for found in differences:
        together[alert_id(found, when)].append(found)
    fresh = [(name, found) for name, found in together.items() if name not in known]
    return [_alert(name, found, when, failed) for name, found in fresh[:ALERTS_PER_AUDIT]]


def alert_id(found: Difference, when: datetime) -> str:
    """The same for a difference that is found again on that day, and for its neighbours of the same period."""
    place = (str(found.partition), found.organization, _period(found))
    return "/".join((KIND, found.check, *place, f"told {when:%Y-%m-%d}"))


def _period(found: Difference) -> str:
    """Its date; neighbouring buckets of one are told together."""
    return found.period[:10] if found.period[:4].isdecimal() else found.period


def _alert(name: str, found: list[Difference], when: datetime, failed: Sequence[FailedSlice]) -> tuple[Any, ...]:
    one = found[0]
    measure, expected = next(iter(one.expected.items()))
    organization = "" if one.check in OF_TOPICS else one.organization
    of = f" of {'organization' if organization else 'topic'} {one.organization}" if one.organization else ""
    given_up = [
        each for each in failed if (each.place.partition, each.place.organization) == (one.partition, organization)
    ]
    message = (
        f"{one.check}: {len(found)} rows differ{of} in log partition {one.partition}, {_period(one)}; "
        f"the first: {measure} is {one.stored[measure]}, expected {expected}. {SHOWN}; {CURES.get(one.check, REPAIR)}."
    )
    message = " ".join((message, *failed_jobs(given_up)))
    details = {
        "check": one.check,
        "partition": one.partition,
        "period": one.period,
        "dimensions": dict(one.dimensions),
        "expected": dict(one.expected),
        "stored": dict(one.stored),
        "rows": len(found),
    }
    return (name, KIND, organization, when, message, json.dumps(details))
