"""The units of usage that prices are given for, and which of them are part of which.

Vocabulary and structure are genai-prices': a unit is a set of dimensions (input, cache read, audio …), and
a unit with more dimensions is a part of the unit with fewer. Its usage is inclusive (input tokens contain
cached ones), ours is disjoint: every token is in one bucket. Both meet in one rule, which is theirs seen
from the parts: a bucket is charged at the price of the most specific priced unit that contains it. So a
cache read without a price of its own costs as much as other input, and nothing is charged twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from genai_prices.data_units import unit_data

from stream_jobs.pricing.image_units import image_dimensions
from tokentally.tokens import TOKEN_BUCKETS

REQUESTS: Final = "requests"


@dataclass(frozen=True, slots=True)
class Unit:
    """A countable thing: its name in usage, its name in price lists, the number a price is for, its dimensions."""

    usage_key: str
    price_key: str
    per: int
    dimensions: frozenset[tuple[str, str]]

    def contains(self, part: "Unit") -> bool:
        """True when all usage of `part` is also usage of this unit (a unit contains itself)."""
        return self.dimensions <= part.dimensions


_OURS: Final = {
    "output_characters": Unit(
        "output_characters", "output_mchars", 10**6, frozenset({("family", "characters"), ("direction", "output")})
    ),
    **{
        f"{direction}_video_seconds": Unit(
            f"{direction}_video_seconds",
            f"{direction}_video_hours",
            3600,
            frozenset({("family", "durations"), ("direction", direction), ("modality", "video")}),
        )
        for direction in ("input", "output")
    },
}
"""What providers charge for and the catalogue has no unit for yet."""


class _Units(Mapping[str, Unit]):
    """The named units, and any image unit by its name (image_units says which names those are)."""

    def __init__(self, named: Mapping[str, Unit]) -> None:
        self._named: Final = named

    def __getitem__(self, key: str) -> Unit:
        unit = self._named.get(key) or _image_unit(key)
        if unit is None:
            raise KeyError(key)
        return unit

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)


@lru_cache(maxsize=4096)
def _image_unit(key: str) -> Unit | None:
    dimensions = image_dimensions(key)
    return None if dimensions is None else Unit(key, key, 1, dimensions)


_CATALOGUES: Final = {
    key: Unit(key, raw["price_key"], raw["per"], frozenset(raw["dimensions"].items())) for key, raw in unit_data.items()
}

_ANY_IMAGE: Final = {key: unit for key in ("input_images", "output_images") if (unit := _image_unit(key))}

_NAMED: Final = _OURS | _CATALOGUES | _ANY_IMAGE

UNITS: Final[Mapping[str, Unit]] = _Units(_NAMED)
"""Every unit by its usage key; images of a size or quality are found too, though not listed."""

UNITS_BY_PRICE_KEY: Final[Mapping[str, Unit]] = _Units({unit.price_key: unit for unit in _NAMED.values()})
"""The same by the key of their price."""

WHOLE_UNITS: Final[tuple[Unit, ...]] = tuple(
    unit for unit in _NAMED.values() if not any(each.contains(unit) for each in _NAMED.values() if each is not unit)
)
"""Those that are no part of another one: with a price for each of them all usage has one."""

_USAGE_KEY_OF_BUCKET: Final = {"reasoning_tokens": "output_reasoning_tokens"}

BUCKET_UNITS: Final[tuple[Unit, ...]] = tuple(UNITS[_USAGE_KEY_OF_BUCKET.get(name, name)] for name in TOKEN_BUCKETS)
"""The unit of each of our token buckets, in the order of TOKEN_BUCKETS."""

INPUT_TOKENS: Final = UNITS["input_tokens"]


def most_specific(priced: Iterable[Unit], used: Unit) -> Unit | None:
    """The priced unit whose price `used` is charged at: itself, or the nearest unit containing it."""
    return max((unit for unit in priced if unit.contains(used)), key=lambda unit: len(unit.dimensions), default=None)


@cache
def missing_join(priced: frozenset[Unit]) -> tuple[Unit, Unit] | None:
    """Two priced units that share usage which neither's price is nearer to, or None.

    Audio input and cached input share cached audio: with prices for both and none for cached audio, its
    price would be a matter of taste.
    """
    ordered = sorted(priced, key=lambda unit: unit.usage_key)
    dimension_sets = {unit.dimensions for unit in priced}
    for index, first in enumerate(ordered):
        for second in ordered[index + 1 :]:
            union = first.dimensions | second.dimensions
            compatible = len({name for name, _ in union}) == len(union)
            if compatible and union not in dimension_sets:
                return first, second
    return None
