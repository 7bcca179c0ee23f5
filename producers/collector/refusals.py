"""Refusals over HTTP: an error in; status, code and sentence out, in one JSON shape."""

from dataclasses import dataclass, field

import msgspec

from producers.errors import (
    Busy,
    KafkaUnavailable,
    NotAllowed,
    NoValidKey,
    ProducerError,
    TooLarge,
    Unreadable,
    WrongConfiguration,
)

RETRY_AFTER_SECONDS = "2"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, body, content type and further headers."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())


def json_response(status: int, content: object, **headers: str) -> Response:
    """A JSON answer; headers are named with _ for -."""
    named = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    return Response(status, msgspec.json.encode(content), headers=named)


def error(code: str, message: str) -> dict[str, dict[str, str]]:
    """The shape of every error."""
    return {"error": {"code": code, "message": message}}


def refused(status: int, code: str, message: str, **headers: str) -> Response:
    """An error as an answer."""
    return json_response(status, error(code, message), **headers)


_ANSWERS: dict[type[ProducerError], tuple[int, str]] = {
    Unreadable: (400, "unreadable"),
    NoValidKey: (401, "no_valid_key"),
    NotAllowed: (403, "not_allowed"),
    TooLarge: (413, "too_large"),
    Busy: (503, "busy"),
    KafkaUnavailable: (503, "kafka_unavailable"),
    WrongConfiguration: (503, "not_ready"),
}


def response_to(problem: ProducerError) -> Response:
    """What the sender is told about an error of this stage."""
    status, code = _ANSWERS.get(type(problem), (500, "internal"))
    if status == 401:
        return refused(status, code, str(problem), www_authenticate="Bearer")
    if status == 503:
        return refused(status, code, str(problem), retry_after=RETRY_AFTER_SECONDS)
    return refused(status, code, str(problem))
