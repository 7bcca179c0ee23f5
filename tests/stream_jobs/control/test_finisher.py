"""The finisher goes on, whatever goes wrong in a round."""

import threading
from unittest.mock import create_autospec

import pytest

from stream_jobs.control.finisher import Finisher
from stream_jobs.control.publisher import Publisher
from stream_jobs.errors import NoControlKey
from tests.running import until
from warehouse.errors import WarehouseUnavailable


@pytest.mark.parametrize("failure", [NoControlKey("x"), WarehouseUnavailable("x"), ZeroDivisionError("x")])
def test_a_failed_round_is_followed_by_another(failure: Exception) -> None:
    publisher = create_autospec(Publisher, instance=True)
    publisher.finish.side_effect = [failure, failure, 1, *[0] * 10_000]
    stop = threading.Event()
    finisher = Finisher(publisher, stop, every_seconds=0.001)
    finisher.start()
    until("a round after the failures", lambda: publisher.finish.call_count > 3)
    stop.set()
    finisher.join()
    publisher.close.assert_called_once()
