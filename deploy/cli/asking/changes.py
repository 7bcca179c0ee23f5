"""What becomes of an event: the columns of --set or of a file's row in, the `set` of a record out."""

import json
from collections.abc import Mapping
from typing import Any, Final, get_args

from deploy.errors import WrongSetting
from producers.control.bodies import Amount
from producers.control.request import CLEAR, SETS

AMOUNTS: Final = get_args(Amount)
Change = dict[str, Any]


def of_options(kind: str, said: Mapping[str, Any]) -> Change:
    """What --set says; an amount that is set to nothing is cleared. Raises WrongSetting."""
    empty = _empty(kind, said)
    values = _read("--set", {name: value for name, value in said.items() if name not in empty})
    cleared = [*values.get(CLEAR, []), *empty]
    return values | ({CLEAR: cleared} if cleared else {})


def of_row(kind: str, where: str, said: Mapping[str, Any]) -> Change:
    """What the row of a file says; exports write an empty text for what they do not know, so it clears nothing.
    Raises WrongSetting."""
    if empty := _empty(kind, said):
        raise WrongSetting(
            f"{where}: {empty[0]}: it is empty: leave it out, or name it under `{CLEAR}` to take it away"
        )
    return _read(where, said)


def _empty(kind: str, said: Mapping[str, Any]) -> list[str]:
    return [name for name in AMOUNTS if said.get(name) == "" and name in SETS[kind].model_fields]


def _read(where: str, said: Mapping[str, Any]) -> Change:
    """The same with quantities read from their JSON where they are text, and names of what is cleared."""
    values = {name: value for name, value in said.items() if name != CLEAR}
    if isinstance(values.get("quantities"), str):
        values["quantities"] = _json(where, values["quantities"])
    cleared = _names(where, said.get(CLEAR, []))
    return values | ({CLEAR: cleared} if cleared else {})


def merged(said: Mapping[str, Any], own: Mapping[str, Any]) -> Change:
    """What --set says of every event and what a row says of its own, which wins."""
    cleared = own.get(CLEAR, [])
    values = {
        name: value for name, value in {**said, **own}.items() if name != CLEAR and (name in own or name not in cleared)
    }
    cleared = [*cleared, *(name for name in said.get(CLEAR, []) if name not in own and name not in cleared)]
    return values | ({CLEAR: cleared} if cleared else {})


def _names(where: str, said: Any) -> list[str]:
    names = said.replace(",", " ").split() if isinstance(said, str) else said
    if not isinstance(names, list) or any(name not in AMOUNTS for name in names):
        raise WrongSetting(f"{where}: {CLEAR}: {str(said)[:80]}: name amounts, of {', '.join(AMOUNTS)}")
    return names


def _json(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise WrongSetting(
            f'{where}: quantities: {text[:80]} is no JSON: write them like {{"web_searches": 3}}'
        ) from None
