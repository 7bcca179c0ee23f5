"""Orders to jobs: pause, resume or cancel in, a row that the partitions' owners look at between slices out."""

from enum import StrEnum

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.client import WRITE_SETTINGS, classified, permitted
from warehouse.control.following import followed
from warehouse.control.records import Followed
from warehouse.control.standing import WITHOUT_JOB
from warehouse.errors import OrderRefused


class Order(StrEnum):
    """What people want of a job; cancel is for good: what is done stays done, what is not stays as it is.

    A day that has begun is done to its end, and so is an erasure, whose events go with its first day. Orders are not in
    the log: events that a record names and that have not come are changed when they come, whatever is ordered.
    """

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"

    @property
    def wanted(self) -> str:
        """The word in `job_orders`."""
        return "run" if self is Order.RESUME else self.value


def give(client: Client, control_id: str, order: Order, author: str) -> bool:
    """Notes an order; False when it holds already.

    Raises NoSuchRecord, OrderRefused when nothing is left that could follow it, WarehouseUnavailable, WarehouseRefused.
    """
    if not is_news(followed(client, control_id), order):
        return False
    row = [control_id, order.wanted, author]
    try:
        settings = permitted(client, WRITE_SETTINGS)
        client.insert("job_orders", [row], column_names=["control_id", "wanted", "author"], settings=settings)
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    return True


def is_news(record: Followed, order: Order) -> bool:
    """Whether the order changes what is wanted. Raises OrderRefused when nothing is left that could follow it."""
    name, kind = record.asked.control_id, record.asked.kind
    if kind in WITHOUT_JOB:
        raise OrderRefused(f"{name} is a {kind} record: it is in force where it is applied, and has no job to {order}")
    wanted = next((each.wanted for each in record.standings), "run")
    if wanted == "cancel" and order is not Order.CANCEL:
        raise OrderRefused(f"{name} was cancelled, and that is for good: ask again instead")
    if all(each.is_finished for each in record.standings) and not (wanted == "cancel" == order.wanted):
        raise OrderRefused(f"{name} is {record.state}: nothing is left to {order}")
    if (
        kind == "erase"
        and order is Order.CANCEL
        and wanted != "cancel"
        and any(each.slices.have_begun for each in record.standings)
    ):
        raise OrderRefused(
            f"{name} is an erasure that has begun: its events are gone or being removed, and it is done to its end"
        )
    return order.wanted != wanted
