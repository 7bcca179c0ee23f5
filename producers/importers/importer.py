"""What an importer is: a file in, one row per record out, each a usage event or a reason why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

Event = dict[str, object]
"""A usage event as JSON types: text, integers, maps; decimals are text."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a source, by its position there: an event, or the problem that made it unusable."""

    index: int
    event: Event | None = None
    problem: str = ""


class Importer(Protocol):
    """Reads one format.

    Importers are frozen values: their `repr` names the format and every option that changes what comes out.
    """

    @property
    def format(self) -> str:
        """Name of the format, as in `--format`."""

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """The rows of a seekable file, in an order and with event ids that depend on its content only.

        Raises UnreadableSource when the file as a whole is not of this format, WrongOptions when the options do not
        fit it. A bad record becomes a Row with a problem and stops nothing.
        """


@dataclass(frozen=True, slots=True)
class Target:
    """What every event of an import gets, whatever the file says.

    source: a name for where the file comes from (a browser, a server); part of the identity of its records, so that
    two sources which number their records alike do not collide.
    constants: field and value pairs; they win over the file.
    """

    organization: str
    source: str = ""
    constants: tuple[tuple[str, str | int], ...] = ()

    def applied(self, event: Event) -> Event:
        """The event with organisation and constants in place; a constant `metadata.x` goes into its map."""
        result = {**event, "organization": self.organization}
        for field, value in self.constants:
            place(result, field, value)
        return result


def place(event: Event, field: str, value: object) -> None:
    """Sets a field of an event; `metadata.region` and `quantities.web_searches` set an entry of those maps."""
    name, dot, key = field.partition(".")
    if not dot:
        event[name] = value
        return
    entries = event.get(name)
    event[name] = {**entries, key: value} if isinstance(entries, Mapping) else {key: value}
