"""Images by size and quality: the name of a unit in, its dimensions out.

`output_images` counts images that a model made, `input_images` those it read. A size, a quality or both may follow:
`output_images_1024x1024`, `output_images_2k`, `output_images_hd`, `output_images_1024x1536_high`. Providers invent
sizes and qualities freely, so these units are read from their names, not listed.
"""

import re
from typing import Final

_NAME: Final = re.compile(r"(input|output)_images(?:_([0-9]+x[0-9]+|[0-9]+(?:k|mp|px)))?(?:_([a-z]{1,16}))?")


def image_dimensions(name: str) -> frozenset[tuple[str, str]] | None:
    """The dimensions of an image unit, None for any other name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    direction, size, quality = found.groups()
    told = {"family": "images", "direction": direction, "size": size, "quality": quality}
    return frozenset((dimension, value) for dimension, value in told.items() if value)
