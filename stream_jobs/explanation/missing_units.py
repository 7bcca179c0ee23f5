"""What of a model's usage has no price: models that are priced in part in, the units of each one's last call out."""

from collections.abc import Iterable

from clickhouse_connect.driver.client import Client

from stream_jobs.explanation.explainer import Explainer
from warehouse.queries.unpriced import UnpricedModel


def missing_units(client: Client, models: Iterable[UnpricedModel]) -> list[tuple[str, ...]]:
    """For each model the names of the usage that nothing prices, as the explanation of its last such call says; none
    for a model that is not priced in part. Raises WarehouseUnavailable, WarehouseRefused and RevisionMissing."""
    explainer = Explainer(client)
    return [_of_last_call(explainer, model) if model.status == "partial" else () for model in models]


def _of_last_call(explainer: Explainer, model: UnpricedModel) -> tuple[str, ...]:
    calls = explainer.explain(model.example_event_id, "", model.organization)
    return next((call.cost.unpriced_units for call in calls if call.event.time == model.last), ())
