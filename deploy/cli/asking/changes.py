"""What becomes of an event: the columns of --set or of a file's row in, the `set` of a record out."""

import json
from collections.abc import Mapping
from typing import Any, Final, get_args

from deploy.errors import WrongSetting
from producers.control.bodies import Amount
from producers.control.request import CLEAR, SETS

AMOUNTS: Final = get_args(Amount)
Change = dict[str, Any]


def read(kind: str, where: str, said: Mapping[str, Any]) -> Change:
    """What is set, with quantities read from their JSON where they are text; an amount that is set to nothing is
    cleared, as is what a row names under `clear`. Raises WrongSetting."""
    empty = [name for name in AMOUNTS if said.get(name) == "" and name in SETS[kind].model_fields]
    values = {name: value for name, value in said.items() if name not in (CLEAR, *empty)}
    if isinstance(values.get("quantities"), str):
        values["quantities"] = _json(where, values["quantities"])
    cleared = [*_names(where, said.get(CLEAR, [])), *empty]
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
