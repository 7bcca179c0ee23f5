"""One log partition per organisation: two have no common order, so that copies would not be recognised."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.queries.query import Rows
from warehouse.queries.reconcile.difference import Comparison, Difference

CHECK = "one partition per organization"


@dataclass(frozen=True, slots=True)
class OneHome:
    """Raw events and rows of each organisation, per generation of the topic."""

    organization: str | None = None

    @property
    def name(self) -> str:
        """The check in a word."""
        return CHECK

    @property
    def sql(self) -> str:
        """The statement: the partition with most events is taken for the home, others are named.

        Asked of the table of ids: raw events have a row for each version, and FINAL leaves void ones out.
        """
        only = " WHERE organization = {organization:String}" if self.organization is not None else ""
        key = "toString(organization) AS name, src_partition"
        counted = f"SELECT {key}, count() AS events FROM event_id_lookup FINAL{only} GROUP BY name, src_partition"
        generation = f"intDiv(src_partition, {PARTITIONS_PER_GENERATION})"
        return (
            "SELECT name, arrayReverseSort(groupArray((events, src_partition))) AS homes "
            f"FROM ({counted}) GROUP BY name, {generation} ORDER BY name"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The organisation, when one is asked for."""
        return {} if self.organization is None else {"organization": self.organization}

    def read(self, rows: Rows) -> Comparison:
        """One organisation per row."""
        strangers = tuple(
            Difference(self.name, name, partition, f"home {homes[0][1]}", {}, {"events": 0}, {"events": events})
            for name, homes in rows
            for events, partition in homes[1:]
        )
        return Comparison(len(rows), len(strangers), strangers)
