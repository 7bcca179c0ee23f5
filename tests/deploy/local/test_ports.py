"""Ports: counted from one base, and a taken one is named with its owner."""

import os
import socket
from collections.abc import Iterator

import pytest

from deploy.errors import PortTaken
from deploy.local.ports import Ports, is_free, owner, require_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_every_port_follows_from_the_base() -> None:
    ports = Ports(9700)
    assert (ports.collector, ports.api, ports.warehouse) == (9701, 9702, 9703)
    assert (ports.superset, ports.kafka, ports.kafka_controller) == (9704, 9705, 9706)
    assert ports.worker_metrics(2) == 9712


def test_the_owner_is_named_by_process_and_command(taken: int) -> None:
    assert f"process {os.getpid()} (" in owner(taken)


def test_all_taken_ports_are_refused_in_one_sentence(taken: int) -> None:
    assert not is_free(taken)
    with pytest.raises(PortTaken, match=rf"port {taken} of api is taken by process {os.getpid()} .*TALLY_PORT_BASE"):
        require_free([("api", taken)])


def test_a_free_port_is_accepted(taken: int) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    require_free([("api", port)])
