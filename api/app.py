"""Puts the API together: a warehouse, keys and a clock in, the application out."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI

from api import refusals
from api.access import Keys
from api.accounts import Accounts, ReadOnlyAccounts
from api.bodies import BoundedBodies
from api.control import Control, ReadOnlyControl
from api.directory import Directory, ReadOnlyDirectory
from api.explaining import Explaining, Unconnected
from api.fields import utc_now
from api.metrics import MeasuredRequests, Metrics
from api.resources import (
    breakdown,
    control_records,
    currency,
    entities,
    entries,
    events,
    explanations,
    feedback,
    free_usage,
    health,
    invoices,
    margin,
    multipliers,
    organizations,
    overview,
    periods,
    price_imports,
    price_revisions,
    prices,
    rejected,
    terms,
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
    accounts: Accounts | None = None,
    explaining: Explaining | None = None,
) -> FastAPI:
    """The application; without `directory`, `control` and `accounts` it changes nothing, without `explaining` it
    explains no event.

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
    app.state.explaining = explaining or Unconnected()
    app.state.accounts = accounts or ReadOnlyAccounts()
    app.state.metrics = Metrics()
    app.add_middleware(BoundedBodies)
    app.add_middleware(MeasuredRequests, metrics=app.state.metrics)
    refusals.install(app)
    resources = (overview, timeline, breakdown, events, prices, organizations, entries, entities, rejected)
    billing = (margin, free_usage, terms, currency, invoices, periods)
    writing = (price_revisions, price_imports, multipliers, control_records, feedback)
    for resource in (*resources, *billing, *writing, explanations, health):
        app.include_router(resource.router)
    return app
