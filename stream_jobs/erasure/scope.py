"""Which erasure, and what lies before it: the place of its record in, conditions out."""

from dataclasses import dataclass

from warehouse.literals import quoted
from warehouse.log_partitions import PARTITIONS_PER_GENERATION, row_version


@dataclass(frozen=True, slots=True)
class Scope:
    """Which erasure, and up to where. home, offset: place of its record."""

    control_id: str
    organization: str
    home: int
    offset: int
    whole: bool

    @property
    def id(self) -> str:
        """Its id as a literal."""
        return f"toUUID({quoted(self.control_id)})"

    @property
    def users(self) -> str:
        """The user as a question."""
        return f"(SELECT user_id FROM erased_users WHERE control_id = {self.id})"

    def events(self, columns: str) -> str:
        """Its events as a question."""
        return f"(SELECT {columns} FROM erased_events WHERE control_id = {self.id})"

    @property
    def generation_start(self) -> int:
        """The first log partition of the record's topic generation; lower ones belong to former generations."""
        return self.home // PARTITIONS_PER_GENERATION * PARTITIONS_PER_GENERATION

    @property
    def before(self) -> str:
        """Rows with a place in the log that lie before the record; those of former generations do."""
        here = f"(src_partition = {self.home} AND src_offset <= {self.offset})"
        return f"(src_partition < {self.generation_start} OR {here})"

    @property
    def as_they_were(self) -> str:
        """Versions of events that no record after this one has written: a sweep finds later ones too."""
        return f"control_offset < {row_version(self.home, self.offset)}"

    @property
    def own(self) -> str:
        """Rows of the organisation."""
        return f"organization = {quoted(self.organization)}"
