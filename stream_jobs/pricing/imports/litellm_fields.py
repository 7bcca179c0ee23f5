"""The fields of LiteLLM's price map that hold prices we have units for."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from stream_jobs.pricing.imports.price_list import Reading
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY

FIELDS: Final[Mapping[str, tuple[str, int]]] = {
    "input_cost_per_token": ("input_mtok", 6),
    "output_cost_per_token": ("output_mtok", 6),
    "output_cost_per_reasoning_token": ("output_reasoning_mtok", 6),
    "cache_read_input_token_cost": ("cache_read_mtok", 6),
    "cache_creation_input_token_cost": ("cache_write_mtok", 6),
    "cache_creation_input_token_cost_above_1hr": ("cache_write_1h_mtok", 6),
    "input_cost_per_token_cache_hit": ("cache_read_mtok", 6),  # an older name, never at another price
    "input_cost_per_audio_token": ("input_audio_mtok", 6),
    "output_cost_per_audio_token": ("output_audio_mtok", 6),
    "cache_read_input_audio_token_cost": ("cache_audio_read_mtok", 6),
    "cache_read_input_token_cost_per_audio_token": ("cache_audio_read_mtok", 6),
    "cache_creation_input_audio_token_cost": ("cache_audio_write_mtok", 6),
    "input_cost_per_image_token": ("input_image_mtok", 6),
    "output_cost_per_image_token": ("output_image_mtok", 6),
    "cache_read_input_image_token_cost": ("cache_image_read_mtok", 6),
    "input_cost_per_video_token": ("input_video_mtok", 6),
    "output_cost_per_video_token": ("output_video_mtok", 6),
    "citation_cost_per_token": ("output_citation_mtok", 6),
    "input_cost_per_character": ("input_mchars", 6),
    "output_cost_per_character": ("output_mchars", 6),
    "input_cost_per_image": ("input_images", 0),
    "output_cost_per_image": ("output_images", 0),
    "input_cost_per_text_message": ("input_text_messages_kcount", 3),
    "input_cost_per_pixel": ("input_gpixels", 9),
    "input_cost_per_request": ("requests_kcount", 3),
    "ocr_cost_per_page": ("input_document_kpages", 3),
    "annotation_cost_per_page": ("input_annotated_document_kpages", 3),
    "file_search_cost_per_1k_calls": ("storage_searches_kcount", 0),
}
"""Our unit of each base name, and how many places its price moves to be for as many units as ours."""

SECONDS_PER_HOUR: Final = 3600
SECONDS: Final[Mapping[str, str]] = {
    "input_cost_per_video_per_second": "input_video_hours",
    "output_cost_per_video_per_second": "output_video_hours",
}
"""Our unit of what is priced by the second; ours are by the hour."""


def field_price(base: str, value: object, place: str, reading: Reading) -> tuple[str, Decimal | None] | None:
    """Our unit of a base name, and the price for as many units as ours is for (None, and a problem, when it is none).

    None when this release has no such unit.
    """
    if base in SECONDS:
        return SECONDS[base], reading.price(value, place, times=SECONDS_PER_HOUR)
    unit, shift = FIELDS.get(base, ("", 0))
    return (unit, reading.price(value, place, shift)) if unit in UNITS_BY_PRICE_KEY else None
