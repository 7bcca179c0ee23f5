"""Puts the API together: a warehouse, keys and a clock in, the application out."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI

from api import refusals
from api.access import Keys
from api.bodies import BoundedBodies
from api.control import Control, ReadOnlyControl
from api.directory import Directory, ReadOnlyDirectory
from api.fields import utc_now
from api.metrics import MeasuredRequests, Metrics
from api.resources import (
    breakdown,
    control_records,
    entities,
    entries,
    events,
    feedback,
    health,
    organizations,
    overview,
    prices,
    rejected,
    timeline,
)
from api.warehouse import Warehouse

DESCRIPTION = """Usage, cost and credits of language models: the same numbers as in SQL and the dashboards.

Money and credits are decimal strings, exact to the nano-dollar and the millionth of a credit; tokens are integers;
times are RFC 3339. Days, weeks and months are those of the organisation's own calendar. `as_of` says up to when an
answer is complete at least. Every refusal is `{"error": {"code", "message"}}` and says what to do. Unknown
parameters are refused.
"""


def create_app(
    warehouse: Warehouse,
    keys: Keys,
    clock: Callable[[], datetime] = utc_now,
    *,
    directory: Directory | None = None,
    control: Control | None = None,
) -> FastAPI:
    """The application; without `directory` and `control` it changes nothing.

    It holds no rule of its own: resources ask typed questions and shape the answers.
    """
    app = FastAPI(
        title="Tokentally",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.warehouse, app.state.keys, app.state.clock = warehouse, keys, clock
    app.state.directory, app.state.control = directory or ReadOnlyDirectory(), control or ReadOnlyControl()
    app.state.metrics = Metrics()
    app.add_middleware(BoundedBodies)
    app.add_middleware(MeasuredRequests, metrics=app.state.metrics)
    refusals.install(app)
    resources = (overview, timeline, breakdown, events, prices, organizations, entries, entities, rejected)
    for resource in (*resources, control_records, feedback, health):
        app.include_router(resource.router)
    return app
