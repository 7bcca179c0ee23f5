"""Scenarios in which the rules about control records matter (E16, E19 to E25)."""

from tests.chaos.trials import Trial


def orders(on: Trial) -> None:
    """Records that must not be obeyed beside those that must, each about events of its own user."""
    on.store_prices(2)
    on.start()
    on.send(*(on.event(number) for number in range(12)))
    on.order("void", {"selection": {"user_id": "user-0"}}, signed=False)
    on.order("amend", {"selection": {"user_id": "user-1"}, "set": {"category": "legal"}})
    on.order("reprice", {"selection": {"user_id": "user-1"}, "prices": 2})
    on.put_in_force(2)
    on.send(*(on.event(number) for number in range(100, 103)))
    on.order("reprice", {"selection": {"user_id": "user-1"}, "prices": 2}, number=1)
    on.calm()
    on.order("reprice", {"selection": {"user_id": "user-1"}, "prices": 1}, number=2)
    on.calm()
    on.order("reprice", {"selection": {"user_id": "user-1"}, "prices": 2}, number=1)
    on.order("amend", {"events": [{**on.named(on.event(200)), "set": {"rating": 5}}]})
    on.send(on.event(200))
    on.calm()


def crash_after_orders(on: Trial) -> None:
    """The worker dies after it applied records and before their events come, and again in the middle of a job."""
    on.store_prices(2)
    on.start(die_before="derive")
    on.send(*(on.event(number) for number in range(6)))
    on.put_in_force(2)
    on.order("void", {"events": [on.named(on.event(100))]})
    on.calm()
    on.end()
    on.start(die_before="derive")
    on.send(on.event(100), on.event(101))
    on.calm()
    on.doom()
    on.order("replace", {"selection": {"user_id": "user-1"}, "set": {"user_id": "user-9"}})
    on.await_death()
    on.start()
    on.calm()


def erased(on: Trial) -> None:
    """A user is erased, and a late write lands; then a worker begins that never saw the events, and copies come."""
    on.start()
    on.send(*(on.event(number) for number in range(9)))
    on.calm()
    on.keep_raw_rows()
    on.order("erase", {"user_id": "user-1"})
    on.worked()
    on.write_raw_rows_late()
    on.calm()
    on.end()
    on.start()
    on.send(on.event(1), on.event(50))
    on.calm()


def erased_and_back(on: Trial) -> None:
    """A user is erased and comes again, by events of his own and by others that become his; then comes the sweep."""
    on.start()
    on.send(*(on.event(number) for number in range(9)))
    on.order("erase", {"user_id": "user-1"})
    on.send(on.event(100), on.event(101))
    on.order("amend", {"selection": {"user_id": "user-1"}, "set": {"rating": 4}})
    on.order("replace", {"selection": {"user_id": "user-2"}, "set": {"user_id": "user-1"}})
    on.calm()


CONTROL_SCENARIOS = {
    "orders": orders,
    "crash-after-orders": crash_after_orders,
    "erased": erased,
    "erased-and-back": erased_and_back,
}
CONTROL_CATCHES = {
    "signature": "orders",
    "repeated-records": "orders",
    "only-in-force": "orders",
    "reprice-reads-final": "orders",
    "revision-from-the-log": "orders",
    "awaited-events": "orders",
    "stored-switches": "crash-after-orders",
    "stored-awaited-events": "crash-after-orders",
    "stored-jobs": "crash-after-orders",
    "tombstones": "erased",
    "second-sweep": "erased",
}
"""The scenario in which the comparison fails without the rule."""
