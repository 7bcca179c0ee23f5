"""GET /health, /ready and /metrics: is the process alive, can it answer, and what has it done."""

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from api.documentation import documented
from api.fields import AnswerModel, AsOf
from api.metrics import Metrics
from api.warehouse import Warehouse
from warehouse.queries.progress import Progress, as_of

router = APIRouter(tags=["operation"])


class HealthAnswer(AnswerModel):
    """The process answers."""

    status: str = Field(description="Always ok", examples=["ok"])


class ReadyAnswer(AsOf):
    """The warehouse answers, and the progress of the log can be read."""

    status: str = Field(description="Always ready; otherwise the answer is 503", examples=["ready"])
    partitions: int = Field(description="Log partitions that were ever applied", examples=[8])


@router.get("/health", **documented(HealthAnswer, refusals=()))
async def health() -> HealthAnswer:
    """The process is alive; says nothing about the warehouse."""
    return HealthAnswer(status="ok")


@router.get("/ready", **documented(ReadyAnswer, refusals=(503,)))
async def ready(request: Request) -> ReadyAnswer:
    """Questions can be answered now."""
    warehouse: Warehouse = request.app.state.warehouse
    partitions = await warehouse.ask(Progress())
    return ReadyAnswer(status="ready", partitions=len(partitions), as_of=as_of(partitions))


METRICS_EXAMPLE = 'tally_api_requests_total{route="/v1/overview",status="200"} 12.0\n'


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": METRICS_EXAMPLE}}}},
)
async def metrics(request: Request) -> Response:
    """Counters and histograms in Prometheus' text format."""
    kept: Metrics = request.app.state.metrics
    return Response(kept.text(), media_type=kept.content_type)
