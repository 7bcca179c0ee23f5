"""Turns everything that goes wrong into {"error": {"code", "message"}} with the right status."""

import logging
from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.errors import ApiError, InvalidItems, InvalidParameter, NotFound
from warehouse.queries.ranges import InvalidRange
from warehouse.queries.selection import UnknownDimension

log = logging.getLogger(__name__)


class ErrorBody(BaseModel):
    """What went wrong."""

    code: str = Field(description="A word for programs", examples=["invalid_parameter"])
    message: str = Field(
        description="What was wrong, where, and what to do",
        examples=["limit: Input should be less than or equal to 1000, not '5000'"],
    )


class ErrorAnswer(BaseModel):
    """Every answer that is not a success."""

    error: ErrorBody


class ItemError(BaseModel):
    """What is wrong with one item of a request."""

    index: int = Field(description="Position of the item, from 0", examples=[3])
    message: str = Field(
        description="What is wrong with it", examples=["kind: 'team' is none of department, project; choose one"]
    )


class ItemsErrorBody(ErrorBody):
    """What went wrong, item by item."""

    items: list[ItemError] = Field(description="Every item that is wrong")


class ItemsErrorAnswer(BaseModel):
    """The answer to a request with items of which some cannot be used."""

    error: ItemsErrorBody | ErrorBody


def install(app: FastAPI) -> None:
    """Handles all failures of the application."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(InvalidRange, _invalid)
    app.add_exception_handler(UnknownDimension, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def answer(failure: ApiError) -> Response:
    """The failure as a response."""
    if isinstance(failure, InvalidItems):
        items = [ItemError(index=index, message=message) for index, message in failure.items]
        body = ItemsErrorBody(code=failure.code, message=failure.message, items=items)
        return JSONResponse(ItemsErrorAnswer(error=body).model_dump(), failure.status)
    return _response(failure.status, failure.code, failure.message, failure.headers)


def _response(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = ErrorAnswer(error=ErrorBody(code=code, message=message))
    return JSONResponse(body.model_dump(), status, headers=headers)


async def _api_error(_: Request, failure: Exception) -> Response:
    return answer(cast(ApiError, failure))


async def _invalid(_: Request, failure: Exception) -> Response:
    return answer(InvalidParameter(str(failure)))


async def _validation(_: Request, failure: Exception) -> Response:
    problems = cast(RequestValidationError, failure).errors()
    if problems and all(problem["loc"][:2] == ("body", "entries") and len(problem["loc"]) > 2 for problem in problems):
        return answer(InvalidItems([(problem["loc"][2], described(problem, within=3)) for problem in problems]))
    return answer(InvalidParameter("; ".join(map(described, problems))))


def described(problem: Mapping[str, Any], within: int = 1) -> str:
    """One problem as a sentence that names the parameter, which is behind `within` parts of its place, and value."""
    name = ".".join(str(part) for part in problem["loc"][within:]) or str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"{name}: there is no such parameter here; leave it out, /openapi.json lists those that are known"
    if problem["type"] == "missing":
        return f"{name}: missing; send it"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}, not {str(problem.get('input'))[:100]!r}"


async def _http(request: Request, failure: Exception) -> Response:
    error = cast(HTTPException, failure)
    if error.status_code == 404:
        return answer(NotFound(f"there is nothing at {request.url.path}; /openapi.json lists all routes"))
    if error.status_code == 405:
        possible = (error.headers or {}).get("Allow", "GET")
        message = f"{request.method} is not possible at {request.url.path}; use {possible}"
        return _response(405, "method_not_allowed", message, error.headers)
    return _response(error.status_code, "refused", str(error.detail), error.headers)


async def _unexpected(request: Request, failure: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=failure)
    return answer(ApiError("the answer could not be computed; the log of the API says why"))
