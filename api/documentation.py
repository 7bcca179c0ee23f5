"""What OpenAPI says about a route: an answer's model in, its examples and the refusals it may give out."""

from typing import Any, TypedDict, get_args, get_origin

from pydantic import BaseModel

from api.negotiation import CSV
from api.refusals import ErrorAnswer, ItemsErrorAnswer, ItemsErrorBody

REFUSALS = {
    401: "No valid key was sent",
    403: "The key may not read this",
    404: "There is no such organisation, entry or record",
    409: "It contradicts what there is",
    413: "The body is too long",
    422: "A parameter cannot be used; the message says which and why",
    503: "The warehouse does not answer now: repeat after the seconds in Retry-After",
}


class Documented(TypedDict):
    """Arguments of a route's decorator."""

    response_model: type[BaseModel]
    responses: dict[int | str, dict[str, Any]]


def documented(
    model: type[BaseModel],
    csv: str | None = None,
    refusals: tuple[int, ...] = (401, 403, 404, 422, 503),
    status: int = 200,
) -> Documented:
    """The answer with an example of every field, CSV where the route offers it, and the refusals."""
    content: dict[str, Any] = {"application/json": {"example": example_of(model)}}
    if csv is not None:
        content[CSV] = {"schema": {"type": "string"}, "example": csv}
    responses: dict[int | str, dict[str, Any]] = {status: {"content": content}}
    for refusal in refusals:
        responses[refusal] = {
            "model": ErrorAnswer,
            "description": REFUSALS[refusal],
            "content": {"application/json": {"example": example_of(ErrorAnswer)}},
        }
    return {"response_model": model, "responses": responses}


def documented_items(model: type[BaseModel]) -> Documented:
    """A route that takes items and refuses all of them when one is wrong, saying which."""
    made = documented(model, refusals=(401, 403, 413, 422, 503))
    example = {"error": {**example_of(ItemsErrorBody), "code": "invalid_items"}}
    made["responses"][422] |= {"model": ItemsErrorAnswer, "content": {"application/json": {"example": example}}}
    return made


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """An answer made of the first example of each field."""
    values = {}
    for name, field in model.model_fields.items():
        values[field.alias or name] = field.examples[0] if field.examples else _example(field.annotation)
    return values


def _example(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return example_of(annotation)
    inner = next(part for part in get_args(annotation) if part is not type(None))
    example = _example(inner)
    return [example] if get_origin(annotation) is list else example
