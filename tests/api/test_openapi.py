"""The description of the API: its file is current, every field has words and an example, and examples are valid."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from api.openapi import FILE, text

DESCRIPTION: dict[str, Any] = json.loads(text())
OPERATIONS = [
    (f"{method} {path}", operation)
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
]


def test_the_file_is_current() -> None:
    assert FILE.read_text() == text(), "the contract changed: run `python -m api.openapi` and review openapi.json"


@pytest.mark.parametrize(("path", "operation"), OPERATIONS)
def test_a_route_and_its_parameters_are_explained(path: str, operation: dict[str, Any]) -> None:
    assert operation["description"]
    for parameter in operation.get("parameters", []):
        assert parameter["description"], parameter["name"]
        assert "examples" in parameter["schema"], parameter["name"]


def examples() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for path, operation in OPERATIONS:
        for status, response in operation["responses"].items():
            for media, content in response["content"].items():
                yield path, status, media, content


@pytest.mark.parametrize(("path", "status", "media", "content"), list(examples()))
def test_an_example_is_valid(path: str, status: str, media: str, content: dict[str, Any]) -> None:
    schema = {**content["schema"], "components": DESCRIPTION["components"]}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(content["example"])
    if media == "application/json":
        assert set(content["example"]) == set(properties(content["schema"])), "the example shows every field"


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema["$ref"].rsplit("/", 1)[-1]
    found: dict[str, Any] = DESCRIPTION["components"]["schemas"][name]["properties"]
    return found


BODIES = [name for name in DESCRIPTION["components"]["schemas"] if name.endswith(("Body", "Event"))]


@pytest.mark.parametrize("name", BODIES)
def test_a_field_of_a_body_is_explained(name: str) -> None:
    for field, schema in DESCRIPTION["components"]["schemas"][name]["properties"].items():
        assert "description" in schema, f"{name}.{field}"


@pytest.mark.parametrize("name", [name for name in DESCRIPTION["components"]["schemas"] if name.endswith("Answer")])
def test_a_field_is_explained(name: str) -> None:
    for field, schema in DESCRIPTION["components"]["schemas"][name]["properties"].items():
        assert "description" in schema or field == "error", f"{name}.{field}"
        assert "number" not in json.dumps(schema) or not any(word in field for word in ("usd", "credits", "cost_usd"))


def test_refusals_are_listed() -> None:
    responses = DESCRIPTION["paths"]["/v1/usage/timeline"]["get"]["responses"]
    assert set(responses) == {"200", "401", "403", "404", "422", "503"}
    assert responses["422"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}
