"""Images by size and quality."""

from fractions import Fraction

import pytest

from stream_jobs.pricing.rate_card import rate_cards
from stream_jobs.pricing.units import UNITS, UNITS_BY_PRICE_KEY

from .conftest import PriceRows


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("output_images_1024x1536_high", {"direction": "output", "size": "1024x1536", "quality": "high"}),
        ("output_images_2k", {"direction": "output", "size": "2k"}),
        ("output_images_hd", {"direction": "output", "quality": "hd"}),
        ("input_images", {"direction": "input"}),
    ],
)
def test_a_size_and_a_quality_make_a_unit(name: str, told: dict[str, str]) -> None:
    unit = UNITS[name]
    assert (unit.usage_key, unit.price_key, unit.per) == (name, name, 1)
    assert dict(unit.dimensions) == {"family": "images"} | told
    assert UNITS_BY_PRICE_KEY[name] == unit
    assert UNITS[f"{told['direction']}_images"].contains(unit)


@pytest.mark.parametrize(
    "name", ["output_images_", "output_images_1024x", "images", "output_images_a_b", "web_searches_hd"]
)
def test_other_names_are_no_units(name: str) -> None:
    assert name not in UNITS
    with pytest.raises(KeyError):
        UNITS[name]


def test_an_image_takes_the_price_nearest_to_its_size_and_quality(price_rows: PriceRows) -> None:
    """DALL-E 3: 0.04 USD an image, 0.08 in high definition, 0.12 of that when it is wide."""
    (card,) = rate_cards(
        price_rows(
            output_images="0.04",
            output_images_hd="0.08",
            output_images_1792x1024="0.08",
            output_images_1792x1024_hd="0.12",
        )
    )
    usage = {
        "output_images": Fraction(1),
        "output_images_512x512": Fraction(2),
        "output_images_1024x1024_hd": Fraction(3),
        "output_images_1792x1024_hd": Fraction(4),
        "output_images_1792x1024_standard": Fraction(5),
    }
    assert [(line.priced_unit, int(line.nano_usd)) for line in card.charges(usage)] == [
        ("output_images", 40_000_000),
        ("output_images", 80_000_000),
        ("output_images_hd", 240_000_000),
        ("output_images_1792x1024_hd", 480_000_000),
        ("output_images_1792x1024", 400_000_000),
    ]
