"""Answers as CSV for who asks for it: the Accept header and flat rows in, a text/csv response out."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api.fields import instant_text

CSV = "text/csv"


def wants_csv(request: Request) -> bool:
    """True when the Accept header prefers text/csv to JSON."""
    qualities: dict[str, float] = {}
    for part in request.headers.get("accept", "*/*").split(","):
        media, *parameters = (piece.strip() for piece in part.lower().split(";"))
        qualities[media] = max(qualities.get(media, 0.0), _quality(parameters))
    json_quality = max(qualities.get(media, 0.0) for media in ("application/json", "application/*", "*/*"))
    return qualities.get(CSV, 0.0) > 0 and qualities[CSV] >= json_quality


def csv_response(rows: Iterable[BaseModel], columns: Iterable[str], as_of: datetime | None, filename: str) -> Response:
    """The rows under a header line, values written as in JSON; as_of travels in the header X-As-Of."""
    columns = list(columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        values = row.model_dump(mode="json", by_alias=True)
        writer.writerow([_cell(values[name]) for name in columns])
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "Vary": "Accept"}
    if as_of:
        headers["X-As-Of"] = instant_text(as_of)
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: object) -> object:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
