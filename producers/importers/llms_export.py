"""Reads llms.py's requests: the browser's export (version 2) and the server's array (version 3 and later).

Version 2 is an object with `requests`, times in Unix seconds; version 3 is a bare array with ISO times, users and
failures. In both, `inputCachedTokens` is nearly always 0 (llms.py reads a misspelt field), so tokens come from the
provider's own `usage`, and `cost` ignores cache discounts: it is kept as the reported cost.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO, Final, Literal

from producers.importers.errors import UnreadableSource
from producers.importers.identity import record_id
from producers.importers.importer import Event, Row, Target
from producers.importers.instants import instant
from producers.importers.json_stream import elements, events
from producers.importers.provider_answer import read_answer
from tokentally.errors import InconsistentTokenCounts

Request = Mapping[str, object]
Shape = Literal["llms-v2", "llms-v3"]

CURE: Final = (
    "this is llms.py's export of threads, which holds no tokens of single requests: "
    "hold ALT while clicking Export to get the requests"
)
_VERSION_3_MARKS: Final = frozenset({"threadId", "providerModel", "inputTokens"})
_PREVIEW_CHARACTERS: Final = 500
_SMALLEST, _LARGEST = -30, 15
"""Powers of ten between which numbers of a request lie."""
_SHORT_REF: Final = re.compile(r"(chatcmpl-)?\d{1,6}")
"""Some local servers number their responses with a few random digits: such a reference identifies nothing."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HTTP_FAILURE: Final = re.compile(r"\b([45]\d\d)\b")


@dataclass(frozen=True, slots=True)
class LlmsExport:
    """Importer of llms.py's requests; prompt_preview: take the title, which is the beginning of the prompt."""

    target: Target
    prompt_preview: bool = False

    @property
    def format(self) -> str:
        """Name of the format."""
        return "llms"

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """One row per request; see Importer."""
        member = "requests" if shape(file) == "llms-v2" else None
        for index, request in enumerate(elements(file, member)):
            yield self._row(index, request)

    def _row(self, index: int, request: object) -> Row:
        if not isinstance(request, Mapping):
            return Row(index, problem="not an object")
        try:
            return Row(index, self.target.applied(self._event(request)))
        except (ValueError, InconsistentTokenCounts) as problem:
            return Row(index, problem=str(problem))

    def _event(self, request: Request) -> Event:
        written = request.get("created") or request.get("createdAt") or request.get("startedAt")
        if written is None:
            raise ValueError("no time: none of created, createdAt and startedAt is there")
        if _unfinished(request):
            raise ValueError("not finished when it was exported: export and import again later")
        time = instant(written)
        provider, model = _text(request, "provider"), _text(request, "model")
        event: Event = {
            "event_id": self._identity(request, time),
            "time": time,
            "provider": provider,
            "model": _text(request, "providerModel") or model,
            "user_id": _text(request, "user"),
            "thread_id": _text(request, "threadId"),
            "message_id": _text(request, "id"),
            **_tokens(request, provider, model),
        }
        if request.get("error"):
            event |= {"status": "error", "error_code": error_code(request["error"])}
        if duration := request.get("duration"):
            event["duration_ms"] = int(_number(duration, "duration"))
        if cost := _reported_cost(request):
            event["reported_cost_usd"] = cost
        facts = {"finish_reason": _text(request, "finishReason"), "provider_ref": _text(request, "providerRef")}
        if model != event["model"]:
            facts["llms_model"] = model
        event["metadata"] = {name: fact for name, fact in facts.items() if fact}
        if self.prompt_preview:
            event["prompt_preview"] = _CONTROL.sub(" ", _text(request, "title"))[:_PREVIEW_CHARACTERS]
        return {name: value for name, value in event.items() if value not in ("", {})}

    def _identity(self, request: Request, time: str) -> str:
        ref = _text(request, "ref")
        if ref and not _SHORT_REF.fullmatch(ref):
            return record_id("llms", "ref", ref)
        if not (number := _text(request, "id")):
            raise ValueError("no identity: neither ref nor id is there")
        # Numbers are unique per browser only; with the time, two unnamed browsers do not collide either.
        return record_id("llms", "id", self.target.source, number, time)


def shape(file: BinaryIO) -> Shape | None:
    """Which of llms.py's two shapes the file has; None when it is neither.

    Raises UnreadableSource for the plain export of threads.
    """
    try:
        marks = _marks(file)
    except UnreadableSource:
        return None
    if not marks.isdisjoint({"threads", "threadCount"}):
        raise UnreadableSource(CURE)
    if "requests[]" in marks:
        return "llms-v2"
    return None if marks.isdisjoint(_VERSION_3_MARKS) else "llms-v3"


def _marks(file: BinaryIO) -> set[str]:
    """The members of an object, or of the first object in an array; arrays among them also as `name[]`.

    An object is read up to its requests.
    """
    marks: set[str] = set()
    whole = name = ""
    for depth, event, value in events(file):
        whole = whole or event
        if depth == (1 if whole == "start_map" else 2):
            name = str(value) if event == "map_key" else name
            marks.add(f"{name}[]" if event == "start_array" else name)
        elif whole == "start_array" and depth == 1 and event != "start_map":
            break
        if "requests[]" in marks:
            break
    return marks


def error_code(error: object) -> str:
    """A short code for a failure; the text itself stays behind, it may quote the prompt."""
    text = str(error).lower()
    if "timeout" in text or "timed out" in text:
        return "timeout"
    if "rate limit" in text or "rate_limit" in text or "too many requests" in text:
        return "rate_limit"
    status = _HTTP_FAILURE.search(text)
    return f"http_{status[1]}" if status else "error"


def _tokens(request: Request, provider: str, model: str) -> Event:
    usage = _parsed(request.get("usage"))
    answer = read_answer({"usage": usage, "model": model}, provider) if isinstance(usage, Mapping) else None
    if answer is None:
        plain = {"input_tokens": request.get("inputTokens"), "output_tokens": request.get("outputTokens")}
        return {bucket: int(_number(count, bucket)) for bucket, count in plain.items() if count}
    event: Event = {bucket: count for bucket, count in answer.tokens.items() if count}
    event |= {"service_tier": answer.service_tier, "quantities": {u: str(n) for u, n in answer.quantities.items()}}
    return event


def _parsed(usage: object) -> object:
    """The usage object; as it is, or read from the JSON text in which a database column holds it."""
    if not isinstance(usage, str) or not usage.startswith("{"):
        return usage
    try:
        return json.loads(usage, parse_float=Decimal)
    except ValueError:
        raise ValueError("usage is neither an object nor JSON text") from None


def _unfinished(request: Request) -> bool:
    started_only = "completedAt" in request and not request["completedAt"]
    return started_only and not any(request.get(name) for name in ("error", "usage", "inputTokens", "outputTokens"))


def _reported_cost(request: Request) -> str:
    """The cost as decimal text; empty when llms.py had no price, which it writes as cost and prices of 0."""
    cost = _number(request.get("cost") or 0, "cost")
    priced = any(_number(request.get(name) or 0, name) for name in ("inputPrice", "outputPrice"))
    return f"{cost:f}" if cost or (priced and "cost" in request) else ""


def _number(value: object, name: str) -> Decimal:
    try:
        if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
            raise ValueError
        number = Decimal(value)
        if not number.is_finite() or number < 0 or not _SMALLEST <= number.adjusted() <= _LARGEST:
            raise ValueError
    except (ValueError, ArithmeticError):
        raise ValueError(f"{name} is {str(value)[:40]!r}, not a non-negative number") from None
    return number


def _text(request: Request, name: str) -> str:
    value = request.get(name)
    return "" if value is None else str(value)
