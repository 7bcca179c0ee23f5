"""The event's JSON Schema (draft 2020-12): the model in, the text of `schema.json` out."""

import json
import sys
from pathlib import Path
from typing import Final

from .usage_event import UsageEvent

SCHEMA_PATH: Final = Path(__file__).with_name("schema.json")
"""The published schema; `python -m tokentally.schema` writes it anew."""


def schema_text() -> str:
    """The schema of one event as it travels, with a newline at the end."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **UsageEvent.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else SCHEMA_PATH
    target.write_text(schema_text(), encoding="utf-8")
    print(target)
