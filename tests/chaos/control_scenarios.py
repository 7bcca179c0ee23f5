"""Scenarios in which the rules about control records matter (E14, E16, E19 to E25)."""

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


def slice_by_slice(on: Trial) -> None:
    """A job has six slices, and no worker lives longer than two of them."""
    on.start()
    for number in range(6):
        on.send(on.event(number * 3, age_days=3 + number))
    on.calm()
    on.end()
    on.order("amend", {"selection": {"user_id": "user-0"}, "set": {"rating": 2}})
    on.doom()
    for _ in range(2):
        on.start(die_before="third slice")
        on.await_death()
    on.start(die_before="third slice")
    on.calm()


def crash_in_a_slice(on: Trial) -> None:
    """The worker dies in the middle of a slice and of a flush: rows of the day are ahead of what is applied."""
    on.start(die_before="progress in a slice")
    on.send(*(on.event(number) for number in range(6)))
    on.calm()
    on.doom()
    on.order("repair", {"first": "2000-01-01", "last": "2100-01-01"})
    on.slice_begun()
    on.send(*(on.event(number) for number in range(100, 106)))
    on.await_death()
    on.start()
    on.calm()


def calendars(on: Trial) -> None:
    """A calendar changes; events come of the days before it and of those after it, and again to a new process."""
    midnight = on.midnight()
    hour, day = 3600, 86_400
    on.start()
    on.send(on.event(0), on.event(1, age_days=0))
    on.change_calendar(1, midnight, "Pacific/Kiritimati", 4)
    on.send(on.event(10), on.event(11, age_days=0))
    on.leap_to(midnight + 9 * hour)
    on.send(*(on.event(20 + n, age_days=on.days_before(midnight + (2 * n - 4) * hour)) for n in range(6)))
    on.calm()
    on.end()
    on.start()
    on.send(on.event(30), on.event(31, age_days=on.days_before(midnight + 8 * hour)))
    on.change_calendar(2, midnight + day + 3 * hour, "America/New_York", 7)
    on.leap_to(midnight + 9 * day)
    on.send(*(on.event(40 + n, age_days=on.days_before(midnight + n * 9 * hour)) for n in range(16)))
    on.calm()


def cancelled(on: Trial) -> None:
    """The worker dies in the middle of a job's first day, and the job is cancelled before another one begins."""
    on.start(die_before="after usage_raw")
    on.send(*(on.event(number, age_days=3 + number % 4) for number in range(24)))
    on.calm()
    on.doom()
    on.order("replace", {"selection": {"user_id": "user-1"}, "set": {"user_id": "user-9"}}, number=1)
    on.await_death()
    on.cancel(1)
    on.start()
    on.order("amend", {"selection": {"user_id": "user-1"}, "set": {"category": "legal"}})
    on.calm()


def cancelled_erasure(on: Trial) -> None:
    """The same of an erasure, whose events are gone by then; one that has not begun ends at once."""
    on.start(die_before="rollup")
    on.send(*(on.event(number, age_days=3 + number % 4) for number in range(24)))
    on.calm()
    on.doom()
    on.cancel(2)
    on.order("erase", {"user_id": "user-2"}, number=2)
    on.order("erase", {"user_id": "user-1"}, number=1)
    on.await_death()
    on.cancel(1)
    on.start()
    on.calm()


CONTROL_SCENARIOS = {
    "orders": orders,
    "crash-after-orders": crash_after_orders,
    "slice-by-slice": slice_by_slice,
    "crash-in-a-slice": crash_in_a_slice,
    "erased": erased,
    "erased-and-back": erased_and_back,
    "calendars": calendars,
    "cancelled": cancelled,
    "cancelled-erasure": cancelled_erasure,
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
    "stored-slices": "slice-by-slice",
    "raw-up-to-the-cut": "crash-in-a-slice",
    "rows-from-raw": "crash-in-a-slice",
    "emptied-rows": "crash-after-orders",
    "tombstones": "erased",
    "second-sweep": "erased",
    "calendar-of-its-time": "calendars",
    "stored-calendars": "calendars",
    "whole-slices": "cancelled",
    "whole-erasures": "cancelled-erasure",
}
"""The scenario in which the comparison fails without the rule."""
