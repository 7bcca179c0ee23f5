"""What records say about events: ways of naming them in, the bodies of one or several records out."""

from collections.abc import Mapping, Sequence
from typing import Any

from clickhouse_connect.driver.client import Client

from deploy.cli.asking.events import identified, named, read_file, settings, unique
from deploy.cli.asking.options import Events, Selected, Sets
from deploy.errors import WrongSetting
from producers.control.bodies import MAX_EVENTS

Body = dict[str, Any]


def bodies(client: Client, kind: str, which: Selected, events: Events, sets: Sets | None) -> list[Body]:
    """The bodies that are meant: of a selection one, of single events one for each MAX_EVENTS.

    sets: None for what sets nothing. Raises WrongSetting for what cannot be meant.
    """
    said = settings(sets.set or ()) if sets else {}
    selection = which.selection
    ways = [bool(events.event), events.file is not None, bool(selection)]
    if not which.organization:
        raise WrongSetting("--organization: say whose usage it is")
    if sum(ways) != 1:
        raise WrongSetting("say which usage, in one way: --event, --file, or a selection such as --model or --since")
    if selection:
        return [{"selection": selection, **({"set": said} if sets else {})}]
    found = read_file(events.file) if events.file else named(events.event or ())
    rows = list(identified(client, which.organization, found))
    unique(rows)
    return chunks([_with_sets(kind, row, said, changes=sets is not None) for row in rows])


def chunks(rows: Sequence[Body]) -> list[Body]:
    """Bodies of at most MAX_EVENTS events each."""
    return [{"events": list(rows[start : start + MAX_EVENTS])} for start in range(0, len(rows), MAX_EVENTS)]


def _with_sets(kind: str, row: Body, said: Mapping[str, str], *, changes: bool) -> Body:
    """A row of its own columns, and of --set where it has none."""
    own = row.get("set", {})
    if own and not changes:
        raise WrongSetting(f"{kind} sets nothing: the file may have event_id and time only, not {', '.join(own)}")
    return row | {"set": {**said, **own}} if changes else row
