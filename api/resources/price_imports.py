"""POST /v1/prices/import: a whole price list as one revision, or nothing of it."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter
from pydantic import Field

from api.documentation import documented
from api.errors import InvalidParameter
from api.resources.price_fields import ChangeAnswer, DatedRequest
from api.resources.price_revisions import CHANGES, changed
from api.writing_desk import AtAdministratorsDesk
from stream_jobs.additions.listed import with_shipped
from stream_jobs.pricing.editing.listed import Replaces, owned
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.imports.known_list import with_import
from stream_jobs.pricing.price_row import PriceRow

router = APIRouter(tags=["prices"])
CSV_EXAMPLE = "provider,model,unit,price_usd\nopenai,gpt-4o,input_mtok,2.5\n"


class ImportRequest(DatedRequest):
    """A price list. Without effective_from the list's own dates hold; with it, what differs holds from then on."""

    content: str = Field(min_length=1, description="The file's text", examples=[CSV_EXAMPLE])
    name: str = Field("list", min_length=1, max_length=200, description="The file's name", examples=["contract.csv"])
    format: str | None = Field(
        None,
        max_length=40,
        description="csv, genai-prices, llms, llms-per-million, llms-per-token, litellm or models.dev; left out: found",
        examples=["csv"],
    )
    replaces: Replaces = Field(
        Replaces.MODELS,
        description="Of which models the list is complete, so that it takes away what it lacks of them: of none "
        "(`models`), of its `providers`, or of those that came from the same `source`",
        examples=["models"],
    )
    without: list[str] = Field([], max_length=1000, description="Models to leave out, as provider/model", examples=[[]])


@router.post("/v1/prices/import", status_code=202, **documented(ChangeAnswer, refusals=CHANGES, status=202))
async def import_(request: ImportRequest, desk: AtAdministratorsDesk) -> ChangeAnswer:
    """Import a price list: all of it, or nothing when a line is wrong; needs the scope `admin` for every organisation.

    The refusal names every line that is wrong, with the cure."""
    try:
        read = read_price_list(request.content.encode(), request.name, request.format, without=request.without)
        listed = with_shipped(read)
        rows = owned(listed.rows, request.organization or "")
    except PriceListRefused as problem:
        raise InvalidParameter(f"content: {problem}") from problem
    start = request.start(desk.clock()) if request.effective_from else None

    def edit(known: Sequence[PriceRow], everyones: Sequence[PriceRow]) -> Sequence[PriceRow]:
        shared = everyones if request.organization else ()
        return with_import(known, replace(listed, rows=tuple(rows)), request.replaces, start, shared)

    return await changed(desk, request, edit, listed.source, listed.notes)
