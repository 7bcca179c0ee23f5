"""The published JSON Schema is the model's, and accepts and refuses what the model does."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tokentally import UsageEvent
from tokentally.schema import SCHEMA_PATH, schema_text

EXAMPLES = Path(__file__).parent / "examples"
INVALID: list[dict[str, Any]] = json.loads((EXAMPLES / "invalid" / "cases.json").read_text())
SCHEMA = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def test_the_file_is_the_schema_of_the_model() -> None:
    assert SCHEMA_PATH.read_text(encoding="utf-8") == schema_text(), "run python -m tokentally.schema"


def test_it_is_a_schema_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_field_is_described() -> None:
    assert set(SCHEMA["properties"]) == set(UsageEvent.model_fields)
    assert [name for name, field in SCHEMA["properties"].items() if not field.get("description")] == []


@pytest.mark.parametrize("path", sorted((EXAMPLES / "valid").glob("*.json")), ids=lambda path: path.stem)
def test_it_accepts_the_examples(path: Path) -> None:
    VALIDATOR.validate(json.loads(path.read_bytes()))


@pytest.mark.parametrize(
    "case", [case for case in INVALID if "only_model" not in case], ids=lambda case: case["reason"]
)
def test_it_refuses_what_the_model_refuses(case: dict[str, Any]) -> None:
    smallest = json.loads((EXAMPLES / "valid" / "smallest.json").read_bytes())
    assert not VALIDATOR.is_valid({**smallest, **case["change"]})
