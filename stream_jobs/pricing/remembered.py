"""What was found for names, so that it is not looked for again: names in, what was found for each out."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

_Told = TypeVar("_Told", int, bool)
_Name = TypeVar("_Name")
MAX_REMEMBERED: Final = 65_536


def looked_up(remembered: dict[_Name, _Told], names: Sequence[_Name], find: Callable[[_Name], _Told]) -> list[_Told]:
    """What is remembered of each name; the others are found and remembered. It is emptied when it gets too large."""
    told = list(map(remembered.get, names))
    if None not in told:
        return told  # type: ignore[return-value]
    found = []
    for name, known in zip(names, told, strict=True):
        if known is None:
            if len(remembered) >= MAX_REMEMBERED:
                remembered.clear()
            known = remembered[name] = find(name)
        found.append(known)
    return found


class Remembered(Generic[_Told]):
    """By whose prices a name was looked up: everyone's, or an organisation's own."""

    def __init__(self) -> None:
        self._everyones: Final[dict[tuple[str, str], _Told]] = {}
        self._own: Final[dict[tuple[Any, str, str], _Told]] = {}

    def everyones(self, names: Sequence[tuple[str, str]], find: Callable[[tuple[str, str]], _Told]) -> list[_Told]:
        """For each provider and model."""
        return looked_up(self._everyones, names, find)

    def of(self, name: tuple[Any, str, str], find: Callable[[Any, str, str], _Told]) -> _Told:
        """For an owner's provider and model."""
        return looked_up(self._own, [name], lambda key: find(*key))[0]
