"""Whatever the broker does, nothing is acknowledged that is not stored, and everything is counted once."""

import signal

import psutil
import pytest

from deploy.local.installation import Installation
from tests.faults.rig import Rig
from tests.running import until

pytestmark = pytest.mark.integration


def broker(installation: Installation) -> psutil.Process:
    return psutil.Process(next(service.pid for service in installation.status() if service.name == "kafka"))


def serves_again(installation: Installation, pid: int) -> bool:
    return any(s.name == "kafka" and s.pid not in (0, pid) and s.state == "running" for s in installation.status())


@pytest.mark.long
def test_a_broker_that_is_killed_and_one_that_freezes(installation: Installation, rig: Rig) -> None:
    """Refusals and forwarded events are on their way to it all the time; progress waits for both."""
    rig.start_worker()
    rig.send(100)
    rig.wait_until_exact()
    rig.send_troublesome(60)
    killed = broker(installation)
    killed.kill()
    until("the broker is started again", lambda: serves_again(installation, killed.pid))
    rig.send_troublesome(60)
    rig.wait_until_exact()
    rig.nothing_unstored_is_acknowledged()
    until("it is no longer waited for", lambda: "kafka" not in rig.waits_for(), seconds=30)
    frozen = broker(installation)
    rig.send_troublesome(60)
    frozen.send_signal(signal.SIGSTOP)
    try:
        until("it is said", lambda: "kafka" in rig.waits_for())
    finally:
        frozen.send_signal(signal.SIGCONT)
    rig.send(100)
    rig.wait_until_exact()
    rig.nothing_unstored_is_acknowledged()
    assert rig.totals("rejected") == 180
    assert rig.totals("misrouted") == 180
