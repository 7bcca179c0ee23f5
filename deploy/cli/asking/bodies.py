"""What records say about events: ways of naming them in, the bodies of one or several records out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from deploy.cli.asking.changes import merged, of_options, of_row
from deploy.cli.asking.event_file import read_file
from deploy.cli.asking.events import Named, identified, named, settings, unique
from deploy.cli.asking.options import Events, Selected, Sets
from deploy.errors import WrongSetting
from producers.control.bodies import MAX_EVENTS
from producers.control.record import MAX_BYTES
from producers.control.request import wrong_in_set

Body = dict[str, Any]
EVENTS_BYTES: Final = MAX_BYTES - 100_000
"""Of one record's events; the rest is for the note and whoever asks."""


def bodies(client: Client, kind: str, which: Selected, events: Events, sets: Sets | None) -> list[Body]:
    """The bodies that are meant: of a selection one, of single events as many as they need.

    sets: None for what sets nothing. Raises WrongSetting for what cannot be meant.
    """
    said = of_options(kind, settings(sets.set or ())) if sets else {}
    selection = which.selection
    ways = [bool(events.event), events.file is not None, bool(selection)]
    if not which.organization:
        raise WrongSetting("--organization: say whose usage it is")
    if sum(ways) != 1:
        raise WrongSetting("say which usage, in one way: --event, --file, or a selection such as --model or --since")
    if selection:
        if sets and (wrong := wrong_in_set(kind, said)):
            raise WrongSetting(f"--set {wrong}")
        return [{"selection": selection, **({"set": said} if sets else {})}]
    found = read_file(events.file) if events.file else named(events.event or ())
    changes = [_changes(kind, each, said) for each in found] if sets else _unchanged(kind, found)
    rows = list(identified(client, which.organization, found))
    unique(found, rows)
    return chunks([row | change for row, change in zip(rows, changes, strict=True)])


def chunks(rows: Sequence[Body]) -> list[Body]:
    """Bodies of at most MAX_EVENTS events each, and not larger than a record may be."""
    made: list[list[Body]] = []
    room = 0
    for row in rows:
        size = len(json.dumps(row, ensure_ascii=False).encode())
        if not made or len(made[-1]) == MAX_EVENTS or size > room:
            made.append([])
            room = EVENTS_BYTES
        made[-1].append(row)
        room -= size
    return [{"events": events} for events in made]


def _changes(kind: str, event: Named, said: Mapping[str, Any]) -> Body:
    """What becomes of an event: what its own row says, and --set where that says nothing. Raises WrongSetting."""
    values = merged(said, of_row(kind, event.where, event.set))
    if not values:
        raise WrongSetting(f"{event.where}: it sets nothing: say what changes, in columns or by --set")
    if wrong := wrong_in_set(kind, values):
        raise WrongSetting(f"--set {wrong}" if wrong == wrong_in_set(kind, said) else f"{event.where}: {wrong}")
    return {"set": values}


def _unchanged(kind: str, events: Sequence[Named]) -> list[Body]:
    for each in events:
        if each.set:
            columns = ", ".join(each.set)
            raise WrongSetting(
                f"{each.where}: {kind} sets nothing: the file may have event_id and time only, not {columns}"
            )
    return [{}] * len(events)
